import { Cluster, type RedisOptions } from 'ioredis';
import { SlotOwner, ownerOptions } from './slot-owner';
import { EndingRedis, waitingOptions, type RedisClient } from './redis';

/** How often to check whether another master owns the channel, in ms. */
const checkEveryMs = 10_000;

/** How often a subscriber sends a ping, in ms. */
const pingEveryMs = 1000;
/** After this many unanswered pings the connection is opened again. */
const maxUnanswered = 2;
/** How long an attempt of a subscriber to connect may take, in ms. */
const connectTimeoutMs = 2000;

/**
 * Publishes `text` on `channel`. In a cluster the channel is sharded: one master serves it, so a subscriber misses a message only
 * if its own connection is lost. Messages of an unsharded channel are forwarded between masters. When two masters lose their
 * connection, subscribers miss messages without an error.
 */
export async function publish(redis: RedisClient, channel: string, text: string): Promise<void> {
  await (redis instanceof Cluster ? redis.spublish(channel, text) : redis.publish(channel, text));
}

/**
 * A connection that receives the messages of one channel. After each `ready` event messages may have been missed, and the owner must
 * call `listen` again. A connection that died without an error is opened again within three seconds.
 */
export class Subscriber extends EndingRedis {
  private unanswered = 0;

  constructor(
    options: RedisOptions,
    private readonly channel: string,
    private readonly isSharded: boolean,
  ) {
    super(options);
    this.on('error', () => undefined); // ioredis reconnects
    this.on('smessage', (from, text) => this.emit('message', from, text));
    const beat = setInterval(() => this.beat(), pingEveryMs);
    beat.unref();
    this.once('end', () => clearInterval(beat));
  }

  /** Subscribes. After the promise resolves, each published message is a `message` event. */
  async listen(): Promise<void> {
    await (this.isSharded ? this.ssubscribe(this.channel) : this.subscribe(this.channel));
  }

  /**
   * Sends a ping, or closes the connection after too many unanswered pings. Counts pings, not time, because this process may have
   * been blocked. `socketTimeout` of ioredis measures time. After a connection was lost in another way, it also closes the next.
   */
  private beat(): void {
    if (this.status !== 'connect' && this.status !== 'ready') return;
    const answered = (): void => void (this.unanswered = 0);
    if (this.unanswered < maxUnanswered) {
      this.unanswered++;
      this.ping().then(answered, () => undefined);
      return;
    }
    answered();
    this.stream.destroy();
  }
}

/**
 * A new connection to the server of `redis` for the messages of `channel`. By default its commands wait for Redis to return.
 */
export function subscriberOf(redis: RedisClient, channel: string, options: RedisOptions = waitingOptions): Subscriber {
  const common: RedisOptions = {
    connectTimeout: connectTimeoutMs,
    enableOfflineQueue: true,
    ...options,
    autoResubscribe: false,
  };
  if (!(redis instanceof Cluster)) return new Subscriber({ ...redis.options, ...common }, channel, false);
  const owner = new SlotOwner(redis, channel);
  const subscriber = new Subscriber({ ...ownerOptions(redis, owner), ...common }, channel, true);
  // The owner of the channel is checked at intervals, because ioredis emits no event when the server reports a new owner.
  const moving = setInterval(
    () => void owner.hasChanged().then((moved) => moved && subscriber.disconnect(true)),
    checkEveryMs,
  );
  moving.unref();
  subscriber.once('end', () => clearInterval(moving));
  return subscriber;
}
