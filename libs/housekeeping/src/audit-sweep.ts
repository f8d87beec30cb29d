import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { AuditStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import { retentionOf } from './retention';

/** Maximum number of entries of one statement, so that it holds its locks only for some milliseconds. */
const entriesPerRemoval = 1000;

/** Removes entries of the audit log that are older than its retention. */
@Injectable()
export class AuditSweep {
  constructor(
    private readonly audit: AuditStore,
    private readonly cascade: ConfigCascade,
  ) {}

  async sweep(): Promise<void> {
    const before = Date.now() - retentionOf(this.cascade, 'com.openexchange.pns.audit.retention');
    let removed = 0;
    for (let portion = entriesPerRemoval; portion === entriesPerRemoval; removed += portion) {
      portion = await this.audit.removeOlderThan(before, entriesPerRemoval);
    }
    if (removed > 0) log.info({ event: 'audit.swept', removed });
  }
}
