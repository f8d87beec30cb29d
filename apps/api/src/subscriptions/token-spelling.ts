import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { TokenSpellingStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import { holderOf, normalToken } from './token-rules';

/** Interval of the conversion, in ms. It repeats, because a process of an older version can store tokens in another form. */
const repeatEveryMs = 3_600_000;

const subscriptionsPerPortion = 500;

/** Converts tokens of older versions to their normal form. Each row is converted once, by one process. */
@Injectable()
export class TokenSpelling implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isStopping = false;

  constructor(private readonly store: TokenSpellingStore) {}

  /** Does not wait for the conversion, because notifications are sent to the stored tokens until its end. */
  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.run(), repeatEveryMs).unref();
    void this.run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    await this.running;
  }

  /** Converts all tokens, or joins a conversion in progress. Never rejects. */
  run(): Promise<void> {
    this.running ??= this.respellAll().finally(() => (this.running = undefined));
    return this.running;
  }

  private async respellAll(): Promise<void> {
    let [respelled, merged] = [0, 0];
    try {
      for (let isMore = true; isMore && !this.isStopping;) {
        const portion = await this.store.respell(subscriptionsPerPortion, { normalToken, holderOf });
        respelled += portion.respelled;
        merged += portion.merged;
        isMore = portion.seen > 0;
      }
    } catch (error) {
      log.warn({ event: 'subscriptions.tokens-not-respelled', reason: (error as Error).message });
    }
    if (respelled > 0) log.info({ event: 'subscriptions.tokens-respelled', respelled, merged });
  }
}
