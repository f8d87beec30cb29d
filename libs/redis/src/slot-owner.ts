import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type Cluster, type RedisOptions } from 'ioredis';
import { EndingRedis, waitingOptions, untilReconnectMs } from './redis';

/** The pause before a missing master is looked up again, in ms. */
const retryMs = 200;
/** A connection that does not end after `disconnect` is closed after this time, in ms. */
const disconnectTimeoutMs = 2000;

/**
 * Opens a connection to the master that owns the slot of `key`, and a new one if another master becomes the owner. Its commands
 * wait while the master is away. Workers use it, because BullMQ interrupts a blocked `Cluster` in a way that can end the cluster
 * permanently.
 */
export function connectToOwner(cluster: Cluster, key: string): EndingRedis {
  const redis = new EndingRedis({ ...ownerOptions(cluster, new SlotOwner(cluster, key)), ...waitingOptions });
  redis.on('error', () => undefined); // ioredis reconnects
  return redis;
}

/** The options with which ioredis connects to the owner. */
export function ownerOptions({ options: { redisOptions } }: Cluster, owner: SlotOwner): RedisOptions {
  return {
    ...redisOptions,
    retryStrategy: untilReconnectMs,
    reconnectOnError: ({ message }) => (message.startsWith('MOVED ') ? 2 : false), // 2: reconnects, and sends the command again
    Connector: connectorTo(owner, redisOptions),
  };
}

/** The master of a cluster that owns the slot of a key or sharded channel. */
export class SlotOwner {
  private slot: number | undefined;
  private connected: string | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly key: string,
  ) {}

  /** Whether the owner cannot be found any more, because the connection to the cluster has ended. */
  get isLost(): boolean {
    return this.cluster.status === 'end';
  }

  /** The owner's current `host:port`, according to the cluster. */
  async find(): Promise<string> {
    this.connected = await this.ask();
    return this.connected;
  }

  /** Whether the owner differs from the result of the last `find`; false when the cluster cannot be reached. */
  async hasChanged(): Promise<boolean> {
    if (this.connected === undefined) return false;
    const before = this.connected;
    return this.ask().then(
      (now) => now !== before,
      () => false,
    );
  }

  private async ask(): Promise<string> {
    this.slot ??= Number(await this.cluster.cluster('KEYSLOT', this.key));
    await new Promise<void>((resolve, reject) =>
      this.cluster.refreshSlotsCache((error) => (error ? reject(error) : resolve())),
    );
    const owner = this.cluster.slots[this.slot]?.[0];
    if (owner === undefined) throw new Error('No master has the slot of the key.');
    return owner;
  }
}

/** A connector of ioredis that connects to the current owner. */
function connectorTo(owner: SlotOwner, { tls }: RedisOptions = {}): new () => AbstractConnector {
  return class extends AbstractConnector {
    constructor() {
      super(disconnectTimeoutMs);
    }

    async connect(): Promise<Socket> {
      this.connecting = true;
      const address = await this.untilFound();
      const port = Number(address.slice(address.lastIndexOf(':') + 1));
      const host = address.slice(0, address.lastIndexOf(':'));
      const stream = tls === undefined ? connect(port, host) : connectTls({ ...tls, port, host });
      stream.once('error', (error: Error) => (this.firstError = error));
      this.stream = stream;
      return stream;
    }

    /** Looks the owner up until it is found or the connection ends, because ioredis does not call a failed connector again. */
    private async untilFound(): Promise<string> {
      while (this.connecting && !owner.isLost) {
        const address = await owner.find().catch(() => undefined);
        if (address !== undefined && this.connecting) return address;
        await sleep(retryMs);
      }
      throw new Error('Connection is closed.');
    }
  };
}
