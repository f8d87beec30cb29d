import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { testRedisUrl } from '@pns/local-servers';
import { AbstractConnector, Cluster, Redis } from 'ioredis';

/**
 * The parts of ioredis that PNS uses and the documentation of ioredis does not describe. package.json pins its minor version; a
 * newer version must pass this file. `redis.ts`, `slot-owner.ts`, `channel.ts` and `add-jobs.ts` use these parts.
 */

const connections: (Redis | Cluster)[] = [];
const servers: Server[] = [];

function connected<Connection extends Redis | Cluster>(connection: Connection): Connection {
  connection.on('error', () => undefined);
  connections.push(connection);
  return connection;
}

afterEach(() => {
  connections.splice(0).forEach((connection) => connection.disconnect());
  servers.splice(0).forEach((server) => server.close());
});

/** The port of a server that closes each connection at its first command. */
async function cuttingServer(): Promise<number> {
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

it('keeps the commands of a lost connection, each with a function that rejects it', async () => {
  const port = await cuttingServer();
  const redis = connected(
    new Redis(port, '127.0.0.1', {
      enableReadyCheck: false,
      disableClientInfo: true,
      retryStrategy: () => 60_000,
      maxRetriesPerRequest: null,
    }),
  );
  await once(redis, 'ready');
  const answer = redis.get('any');
  await once(redis, 'reconnecting');
  const { prevCommandQueue: kept } = redis as unknown as { prevCommandQueue: Redis['commandQueue'] };
  expect(kept.length).toBe(1);
  kept.shift()?.command.reject(new Error('as EndingRedis does'));
  await expect(answer).rejects.toThrow('as EndingRedis does');
});

it('emits `end` when it is disconnected in the state `wait`', async () => {
  const redis = connected(new Redis(testRedisUrl(), { lazyConnect: true }));
  expect(redis.status).toBe('wait');
  const ended = once(redis, 'end');
  redis.disconnect();
  await ended;
});

it('allows the state to be set', () => {
  const redis = connected(new Redis(testRedisUrl(), { lazyConnect: true }));
  redis.status = 'reconnecting';
  expect(redis.status).toBe('reconnecting');
  redis.status = 'wait';
});

it('knows the text, the digest and the number of keys of each script', () => {
  const redis = connected(new Redis(testRedisUrl(), { lazyConnect: true }));
  redis.defineCommand('pns_any', { lua: 'return 1', numberOfKeys: 2 });
  expect(redis.scriptsSet).toMatchObject({
    pns_any: { lua: 'return 1', numberOfKeys: 2, sha: expect.any(String) as string },
  });
});

it('sends a pipeline with a transaction in it after the second `exec`, and answers its commands', async () => {
  const redis = connected(new Redis(testRedisUrl()));
  const pipeline = redis.pipeline();
  pipeline.watch('any');
  (pipeline as unknown as Pick<Redis, 'multi'>).multi();
  pipeline.echo('in the transaction');
  void pipeline.exec();
  const answers = await pipeline.exec();
  expect(answers?.at(-1)).toEqual([null, ['in the transaction']]);
});

it('has its stream as a property', async () => {
  const redis = connected(new Redis(testRedisUrl()));
  await once(redis, 'ready');
  expect(redis.stream.destroyed).toBe(false);
});

it('connects by the class that the option `Connector` names, which has a stream, a first error and a state', () => {
  class Connector extends AbstractConnector {
    connect(): Promise<never> {
      return Promise.reject(new Error('Not connected.'));
    }

    parts(): object {
      return { connecting: this.connecting };
    }
  }
  const connector = new Connector(1);
  expect(connector.parts()).toEqual({ connecting: false });
  expect(connector.check({})).toBe(true);
});

it('a cluster has its slots, a way to read them anew, and a way to send commands that can be overridden', () => {
  const cluster = connected(new Cluster(['redis://127.0.0.1:1'], { lazyConnect: true }));
  expect(cluster.slots).toEqual([]);
  for (const method of ['refreshSlotsCache', 'sendCommand', 'nodes']) {
    expect(Object(Cluster.prototype)).toHaveProperty(method, expect.any(Function));
  }
});
