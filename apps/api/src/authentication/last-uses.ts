import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { ApiKeyStore } from '@pns/persistence';
import { log } from '@pns/runtime';

/** How often the last use of keys is written, in ms: not with every request. */
const writeEveryMs = 10_000;

/** Remembers when each key was last used and writes it now and then. */
@Injectable()
export class LastUses implements OnApplicationShutdown {
  private waiting = new Map<string, number>();
  private readonly timer = setInterval(() => void this.write(), writeEveryMs).unref();

  constructor(private readonly keys: ApiKeyStore) {}

  note(id: string): void {
    this.waiting.set(id, Date.now());
  }

  async write(): Promise<void> {
    const lastUses = this.waiting;
    this.waiting = new Map();
    try {
      await this.keys.used(lastUses);
    } catch (error) {
      log.warn({ event: 'api-key.last-use-not-written', keys: lastUses.size, reason: (error as Error).message });
    }
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.write();
  }
}
