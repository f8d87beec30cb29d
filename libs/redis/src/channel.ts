import { Cluster, type RedisOptions } from 'ioredis';
import { SlotOwner, ownerOptions } from './slot-owner';
import { EndingRedis, patient, type RedisClient } from './redis';

/** How often it is looked whether a channel belongs to another master by now, in ms. */
const checkMs = 10_000;

/** How often a subscriber asks its server for a sign of life, in ms. */
const beatMs = 1000;
/** A connection that left as many of these unanswered has died without a word, and is made anew. */
const mostUnanswered = 2;
/** How long a subscriber's attempt to connect may take, in ms. */
const connectTimeoutMs = 2000;

/**
 * Tells those who listen on `channel`. In a cluster that is a sharded channel: it goes through the master that the channel
 * belongs to, so that whoever misses something has lost a connection and knows it. The other kind travels from master to
 * master, and is lost without a sign when two of them lose each other.
 */
export async function publish(redis: RedisClient, channel: string, text: string): Promise<void> {
  await (redis instanceof Cluster ? redis.spublish(channel, text) : redis.publish(channel, text));
}

/**
 * A connection that hears one channel. Each `ready` means that it may have missed something, and has to `listen` again.
 * One that dies without a word, so that nothing is ever heard and no error comes either, is made anew within three seconds.
 */
export class Subscriber extends EndingRedis {
  private unanswered = 0;

  constructor(
    options: RedisOptions,
    private readonly channel: string,
    private readonly isSharded: boolean,
  ) {
    super(options);
    this.on('error', () => undefined); // it comes back by itself
    this.on('smessage', (from, text) => this.emit('message', from, text));
    const beat = setInterval(() => this.beat(), beatMs);
    beat.unref();
    this.once('end', () => clearInterval(beat));
  }

  /** From when this resolves, `message` events tell what is published. */
  async listen(): Promise<void> {
    await (this.isSharded ? this.ssubscribe(this.channel) : this.subscribe(this.channel));
  }

  /**
   * Counts beats, not time, so that a process which was held up itself does not blame the server. ioredis' own
   * `socketTimeout` measures time, and cuts off the next connection where this one was lost otherwise.
   */
  private beat(): void {
    if (this.status !== 'connect' && this.status !== 'ready') return;
    const answered = (): void => void (this.unanswered = 0);
    if (this.unanswered < mostUnanswered) {
      this.unanswered++;
      this.ping().then(answered, () => undefined);
      return;
    }
    answered();
    this.stream.destroy();
  }
}

/**
 * A connection to hear `channel` with, to where `redis` is connected. Unlike that one it waits for Redis to return, unless
 * `options` say otherwise.
 */
export function subscriberOf(redis: RedisClient, channel: string, options: RedisOptions = patient): Subscriber {
  const common: RedisOptions = {
    connectTimeout: connectTimeoutMs,
    enableOfflineQueue: true,
    ...options,
    autoResubscribe: false,
  };
  if (!(redis instanceof Cluster)) return new Subscriber({ ...redis.options, ...common }, channel, false);
  const owner = new SlotOwner(redis, channel);
  const subscriber = new Subscriber({ ...ownerOptions(redis, owner), ...common }, channel, true);
  // The server tells of it too when it gives the channel away, but ioredis keeps that to itself.
  const moving = setInterval(
    () => void owner.hasMoved().then((moved) => moved && subscriber.disconnect(true)),
    checkMs,
  );
  moving.unref();
  subscriber.once('end', () => clearInterval(moving));
  return subscriber;
}
