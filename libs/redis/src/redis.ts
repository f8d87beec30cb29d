import { Cluster, type ClusterNode, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';

/** A connection to one Redis, or to all masters of a cluster. */
export type RedisClient = Redis | Cluster;

/** Options of connections whose commands wait for Redis to return: for background work. */
export const waitingOptions = {
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  commandTimeout: undefined,
} satisfies RedisOptions;

/** Options of connections whose commands fail fast: for processes that serve requests. Times in ms. */
const failFastOptions = { maxRetriesPerRequest: 0, commandTimeout: 5000, connectTimeout: 2000 } satisfies RedisOptions;

/** The pause before an attempt to reconnect, in ms. */
export const untilReconnectMs = (attempt: number): number => Math.min(50 * attempt, 1000);

/**
 * Opens a connection that reconnects by itself: to one Redis (`redis://`, `rediss://`) or to a cluster, of which the URL names some
 * nodes (`redis-cluster://host:port,host:port`, `rediss-cluster://`). Commands wait for Redis to return. With `failFast`, for a
 * process that serves requests, they reject while Redis is away and after `commandTimeout` ms.
 */
export function connectRedis(url: string, { failFast = false } = {}): RedisClient {
  const cluster = clusterOf(url);
  const redis = cluster === undefined ? connectServer(url, failFast) : connectCluster(cluster, failFast);
  // Without a listener ioredis writes each failed try to stderr. Affected commands reject.
  redis.on('error', () => undefined);
  return redis;
}

/** A new connection to the same server or cluster, whose commands wait for Redis to return. */
export function waitingCopy(redis: RedisClient): RedisClient {
  const copy =
    redis instanceof Cluster
      ? new EndingCluster(addressesOf(redis), waitingClusterOptions(redis.options.redisOptions, redis.options))
      : redis.duplicate(waitingOptions);
  copy.on('error', () => undefined);
  return copy;
}

function connectServer(url: string, failFast: boolean): Redis {
  return new EndingRedis(url, {
    retryStrategy: untilReconnectMs,
    ...(failFast ? { ...failFastOptions, enableOfflineQueue: false } : { maxRetriesPerRequest: null }),
  });
}

function connectCluster({ nodes, username, password, isTls }: ClusterAddress, failFast: boolean): Cluster {
  const account = { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
  const redisOptions = { ...account, ...(isTls ? { tls: {} } : {}) };
  const options: ClusterOptions = {
    clusterRetryStrategy: untilReconnectMs,
    // Certificates contain host names, so names must not be replaced by addresses.
    ...(isTls ? { dnsLookup: (host, done) => done(null, host) } : {}),
  };
  if (failFast)
    return new EndingCluster(nodes, { ...options, redisOptions: { ...redisOptions, ...failFastOptions } }, true);
  return new EndingCluster(nodes, waitingClusterOptions(redisOptions, options));
}

function waitingClusterOptions(redisOptions: ClusterOptions['redisOptions'], options: ClusterOptions): ClusterOptions {
  return {
    ...options,
    redisOptions: { ...redisOptions, maxRetriesPerRequest: null, commandTimeout: undefined },
    // While a master is away, other masters redirect its commands to it, so the number of redirections must not be limited.
    maxRedirections: Number.MAX_SAFE_INTEGER,
  };
}

function addressesOf(cluster: Cluster): ClusterNode[] {
  const known = cluster.nodes().map(({ options: { host = '', port = 6379 } }) => ({ host, port }));
  return cluster instanceof EndingCluster ? [...cluster.named, ...known] : known;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

interface ClusterAddress {
  readonly nodes: readonly Address[];
  readonly username: string;
  readonly password: string;
  readonly isTls: boolean;
}

/** The parts of a cluster's URL; undefined for the URL of a single Redis. */
export function clusterOf(url: string): ClusterAddress | undefined {
  const [, scheme, account = '', hosts = ''] = /^(rediss?)-cluster:\/\/(?:([^@/]*)@)?([^@/]+)\/?$/.exec(url) ?? [];
  if (scheme === undefined) return undefined;
  const nodes = hosts.split(',').map((host) => {
    const { hostname, port } = new URL(`redis://${host}`);
    return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 6379 : Number(port) };
  });
  const { username, password } = new URL(`redis://${account}@any`);
  return {
    nodes,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    isTls: scheme === 'rediss',
  };
}

/**
 * A connection that emits `end` after each `disconnect`. ioredis does not emit `end` when it is disconnected while it waits to
 * reconnect, except in the state `wait`. BullMQ waits for `end`, so the close of a worker while Redis is away would never
 * end.
 */
export class EndingRedis extends Redis {
  override disconnect(reconnect = false): void {
    if (!reconnect) this.rejectUnanswered();
    // A closed stream is reconnected anyway; a second disconnect would keep the process alive for two seconds.
    if (reconnect && this.stream?.destroyed) return;
    if (!reconnect && this.status === 'reconnecting') this.status = 'wait';
    super.disconnect(reconnect);
  }

  override duplicate(override?: Partial<RedisOptions>): Redis {
    return new EndingRedis({ ...this.options, ...override });
  }

  /**
   * Rejects the commands that were in progress when the connection was lost. ioredis keeps them for the next connection, and never
   * settles them if there is none.
   */
  private rejectUnanswered(): void {
    const { prevCommandQueue: unanswered } = this as unknown as { prevCommandQueue?: Redis['commandQueue'] | null };
    for (let item = unanswered?.shift(); item !== undefined; item = unanswered?.shift()) {
      item.command.reject(new Error('Connection is closed.'));
    }
  }
}

/** `EndingRedis` for a cluster. */
class EndingCluster extends Cluster {
  /**
   * With `failFast`, commands reject while no node can be reached. `enableOfflineQueue: false` of ioredis does that too, but it also
   * breaks pipelines to a node that is not connected yet.
   */
  constructor(
    readonly named: readonly ClusterNode[],
    options: ClusterOptions,
    private readonly failFast = false,
  ) {
    super([...named], options);
  }

  override disconnect(reconnect = false): void {
    if (!reconnect && this.status === 'reconnecting') this.status = 'wait';
    super.disconnect(reconnect);
  }

  override sendCommand(...[command, ...rest]: Parameters<Cluster['sendCommand']>): unknown {
    if (!this.failFast || this.status === 'ready' || command.name === 'cluster') {
      return super.sendCommand(command, ...rest);
    }
    command.reject(new Error('Connection is closed.'));
    return command.promise;
  }

  override duplicate(nodes: ClusterNode[] = [], options: ClusterOptions = {}): Cluster {
    return new EndingCluster(
      nodes.length > 0 ? nodes : addressesOf(this),
      { ...this.options, ...options },
      this.failFast,
    );
  }
}
