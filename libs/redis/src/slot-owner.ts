import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type Cluster, type RedisOptions } from 'ioredis';
import { EndingRedis, patient, untilReconnectMs } from './redis';

/** A master that is away is looked for again after this time, in ms. */
const lookAgainMs = 200;
/** A connection that was told to end is cut off after this time, in ms. */
const disconnectTimeoutMs = 2000;

/**
 * A connection to the master that `key` belongs to, whichever that is at the time; it follows when it is another one. It waits
 * for the master to return. A worker has one, because BullMQ's way to wake up a stuck `Cluster` can leave it ended for good.
 */
export function connectToOwner(cluster: Cluster, key: string): EndingRedis {
  const redis = new EndingRedis({ ...ownerOptions(cluster, new SlotOwner(cluster, key)), ...patient });
  redis.on('error', () => undefined); // it comes back by itself
  return redis;
}

/** What ioredis has to know to connect to the owner. */
export function ownerOptions({ options: { redisOptions } }: Cluster, owner: SlotOwner): RedisOptions {
  return {
    ...redisOptions,
    retryStrategy: untilReconnectMs,
    reconnectOnError: ({ message }) => (message.startsWith('MOVED ') ? 2 : false), // 2: and sends the command again
    Connector: connectorTo(owner, redisOptions),
  };
}

/** The master of a cluster that a key or a sharded channel belongs to. */
export class SlotOwner {
  private slot: number | undefined;
  private connected: string | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly key: string,
  ) {}

  /** Whether nobody can tell any more, because the connection to the cluster was told to end. */
  get isLost(): boolean {
    return this.cluster.status === 'end';
  }

  /** Its `host:port` as the cluster says now. */
  async find(): Promise<string> {
    this.connected = await this.ask();
    return this.connected;
  }

  /** Whether it is another one than was found; false when nobody can tell. */
  async hasMoved(): Promise<boolean> {
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

/** Makes ioredis connect to the owner, whichever that is at the time. */
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

    /** A connector that fails is not asked again, so it goes on until it is told to stop. */
    private async untilFound(): Promise<string> {
      while (this.connecting && !owner.isLost) {
        const address = await owner.find().catch(() => undefined);
        if (address !== undefined && this.connecting) return address;
        await sleep(lookAgainMs);
      }
      throw new Error('Connection is closed.');
    }
  };
}
