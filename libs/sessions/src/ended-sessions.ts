import { publish, subscriberOf, type KeySpace, type RedisClient, type Subscriber } from '@pns/redis';
import { RecurringFault } from '@pns/runtime';
import { maxSessionTtlSeconds, type Session, type SessionEnd } from './session';

/** A session and the marks of those whose sessions may have been ended all at once, it among them. */
export interface Endings {
  readonly session: Session;
  readonly owners: readonly string[];
}

interface Watcher {
  readonly listener: (end: SessionEnd) => void;
  readonly open: () => readonly Endings[];
}

/** A look-up after a lost connection that fails is tried again after this time, in ms. */
const recheckDelayMs = 500;
/** Sessions per ZMSCORE, so that a node full of sockets does not hold Redis up with one command. */
const sessionsPerLookup = 1000;

/**
 * The sessions that were ended before their tokens expire, and the owners whose sessions were: two sorted sets in Redis,
 * scored by when they may be forgotten, and a channel that tells each process at once.
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
    return this.note(this.key, id, Date.now(), { id });
  }

  /** Notes under `mark` what happened to the sessions of an owner. */
  addOwner(mark: string, end: SessionEnd & { readonly issuedUntil: number }): Promise<void> {
    return this.note(this.ownersKey, mark, end.issuedUntil * 1000, end);
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
    // Unlike the connection that requests wait for, this one waits for Redis as long as it takes.
    const redis = subscriberOf(this.redis, this.channel);
    redis.on('message', (_channel, text: string) => this.tell([JSON.parse(text) as SessionEnd]));
    const ready = redis.listen();
    let isFirst = true;
    redis.on('ready', () => {
      if (!isFirst) void this.resume(redis);
      isFirst = false;
    });
    return { redis, ready };
  }

  /** Subscribes again, and only then asks for what ended meanwhile: in the other order one could slip through between. */
  private async resume(redis: Subscriber): Promise<void> {
    try {
      await redis.listen();
      const ended = await this.among([...this.watchers].flatMap((watcher) => watcher.open()));
      this.tell(ended.map(({ id }) => ({ id })));
      this.recheckFault.isOver();
    } catch (error) {
      if (this.isClosed || redis.status !== 'ready') return; // the next `ready` starts over
      this.recheckFault.occurred(error);
      setTimeout(() => void this.resume(redis), recheckDelayMs).unref();
    }
  }

  private tell(ends: readonly SessionEnd[]): void {
    for (const { listener } of this.watchers) for (const end of ends) listener(end);
  }

  private async note(key: string, member: string, at: number, end: SessionEnd): Promise<void> {
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

/** What the score of an owner's mark says; undefined when there is none. */
function issuedUntilOf(score: string | null | undefined): number | undefined {
  return score == null ? undefined : Math.floor(Number(score) / 1000) - maxSessionTtlSeconds;
}
