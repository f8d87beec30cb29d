import { Cluster, type RedisOptions } from 'ioredis';
import { Owner, ownerOptions } from './owner';
import { EndingRedis, patient, type RedisClient } from './redis';

/** How often it is looked whether a channel belongs to another master by now, in ms. */
const checkMs = 10_000;

/**
 * Tells those who listen on `channel`. In a cluster that is a sharded channel: it goes through the master that the channel
 * belongs to, so that whoever misses something has lost a connection and knows it. The other kind travels from master to
 * master, and is lost without a sign when two of them lose each other.
 */
export async function publish(redis: RedisClient, channel: string, text: string): Promise<void> {
  await (redis instanceof Cluster ? redis.spublish(channel, text) : redis.publish(channel, text));
}

/** A connection that hears one channel. Each `ready` means that it may have missed something, and has to `listen` again. */
export class Subscriber extends EndingRedis {
  constructor(
    options: RedisOptions,
    private readonly channel: string,
    private readonly isSharded: boolean,
  ) {
    super(options);
    this.on('error', () => undefined); // it comes back by itself
    this.on('smessage', (from, text) => this.emit('message', from, text));
  }

  /** From when this resolves, `message` events tell what is published. */
  async listen(): Promise<void> {
    await (this.isSharded ? this.ssubscribe(this.channel) : this.subscribe(this.channel));
  }
}

/**
 * A connection to hear `channel` with, to where `redis` is connected. Unlike that one it waits for Redis to return, unless
 * `options` say otherwise.
 */
export function subscriberOf(redis: RedisClient, channel: string, options: RedisOptions = patient): Subscriber {
  const common: RedisOptions = { enableOfflineQueue: true, ...options, autoResubscribe: false };
  if (!(redis instanceof Cluster)) return new Subscriber({ ...redis.options, ...common }, channel, false);
  const owner = new Owner(redis, channel);
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
