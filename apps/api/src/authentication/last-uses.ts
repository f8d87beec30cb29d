import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { ApiKeyStore } from '@pns/persistence';
import { log } from '@pns/runtime';

/** Interval between writes of the last uses, in ms. A write for each request would be too expensive. */
const writeEveryMs = 10_000;

/** Collects the last use of each API key and writes it periodically. */
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
