import { publish, subscriberOf, type KeySpace, type RedisClient, type Subscriber } from '@pns/redis';
import { RecurringFault } from '@pns/runtime';
import { maxSessionTtlSeconds, type Session, type SessionEnd } from './session';

/**
 * A session, and the marks of its user and its context. If Redis has one of the marks, earlier sessions of its owner were ended.
 */
export interface Endings {
  readonly session: Session;
  readonly owners: readonly string[];
}

interface Watcher {
  readonly listener: (end: SessionEnd) => void;
  readonly open: () => readonly Endings[];
}

/** Delay before a failed lookup after a reconnect is retried, in ms. */
const recheckDelayMs = 500;
/** The most sessions of one ZMSCORE, so that a node with many sockets does not block Redis with one command. */
const sessionsPerLookup = 1000;

/**
 * The sessions, and the owners of sessions, that were ended before their tokens expire. They are in two sorted sets in Redis,
 * with the time of their removal from the set as score. A channel announces each end to every process at once.
 */
export class EndedSessions {
  private readonly key: string;
  private readonly ownersKey: string;
  private readonly channel: string;
  private readonly watchers = new Set<Watcher>();
  private subscriber: { readonly redis: Subscriber; readonly ready: Promise<unknown> } | undefined;
  private readonly recheckFault = new RecurringFault('sessions.recheck-failed', 'sessions.rechecked');
  private isClosed = false;

  constructor(
    private readonly redis: RedisClient,
    keys: KeySpace,
  ) {
    this.key = keys.global('sessions:ended');
    this.ownersKey = keys.global('sessions:ended:owners');
    this.channel = keys.global('sessions:ended:now');
  }

  add(id: string): Promise<void> {
    return this.store(this.key, id, Date.now(), { id });
  }

  /** Stores the end of all sessions of an owner under `mark`. */
  addOwner(mark: string, end: SessionEnd & { readonly issuedUntil: number }): Promise<void> {
    return this.store(this.ownersKey, mark, end.issuedUntil * 1000, end);
  }

  async among(asked: readonly Endings[]): Promise<Session[]> {
    const ended: Session[] = [];
    for (let from = 0; from < asked.length; from += sessionsPerLookup) {
      const some = asked.slice(from, from + sessionsPerLookup);
      const marks = [...new Set(some.flatMap(({ owners }) => owners))];
      const [ids, scores] = await Promise.all([
        this.redis.zmscore(this.key, ...some.map(({ session }) => session.id)),
        this.redis.zmscore(this.ownersKey, ...marks),
      ]);
      const issuedUntil = new Map(marks.map((mark, index) => [mark, issuedUntilOf(scores[index])]));
      const isEnded = ({ session, owners }: Endings, index: number): boolean =>
        ids[index] != null || owners.some((mark) => session.issuedAt <= (issuedUntil.get(mark) ?? -1));
      ended.push(...some.filter(isEnded).map(({ session }) => session));
    }
    return ended;
  }

  async watch(listener: Watcher['listener'], open: Watcher['open']): Promise<() => void> {
    const watcher: Watcher = { listener, open };
    this.watchers.add(watcher);
    this.subscriber ??= this.subscribe();
    await this.subscriber.ready;
    return () => void this.watchers.delete(watcher);
  }

  close(): void {
    this.isClosed = true;
    this.watchers.clear();
    this.subscriber?.redis.disconnect();
  }

  private subscribe(): { redis: Subscriber; ready: Promise<unknown> } {
    // Unlike the connection for requests, this connection waits for Redis without a limit.
    const redis = subscriberOf(this.redis, this.channel);
    redis.on('message', (_channel, text: string) => this.notify([JSON.parse(text) as SessionEnd]));
    const ready = redis.listen();
    let isFirst = true;
    redis.on('ready', () => {
      if (!isFirst) void this.resume(redis);
      isFirst = false;
    });
    return { redis, ready };
  }

  /** Subscribes again, and then reports sessions that ended meanwhile. In the other order an end could be missed. */
  private async resume(redis: Subscriber): Promise<void> {
    try {
      await redis.listen();
      const ended = await this.among([...this.watchers].flatMap((watcher) => watcher.open()));
      this.notify(ended.map(({ id }) => ({ id })));
      this.recheckFault.isOver();
    } catch (error) {
      if (this.isClosed || redis.status !== 'ready') return; // the next `ready` event calls `resume` again
      this.recheckFault.occurred(error);
      setTimeout(() => void this.resume(redis), recheckDelayMs).unref();
    }
  }

  private notify(ends: readonly SessionEnd[]): void {
    for (const { listener } of this.watchers) for (const end of ends) listener(end);
  }

  private async store(key: string, member: string, at: number, end: SessionEnd): Promise<void> {
    const replies = await this.redis
      .pipeline()
      .zadd(key, 'GT', at + maxSessionTtlSeconds * 1000, member)
      .zremrangebyscore(key, '-inf', Date.now())
      .exec();
    const failed = replies?.find(([error]) => error !== null);
    if (failed?.[0]) throw failed[0];
    await publish(this.redis, this.channel, JSON.stringify(end));
  }
}

/** The `issuedUntil` in the score of an owner's mark; undefined when there is no mark. */
function issuedUntilOf(score: string | null | undefined): number | undefined {
  return score == null ? undefined : Math.floor(Number(score) / 1000) - maxSessionTtlSeconds;
}
