import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigCascade } from '@pns/config-cascade';
import { enqueueDeliveries, groupedByRoute, nodeOf, nodeQueue, parkedNode } from '@pns/delivery';
import { eventually } from '@pns/local-servers/waiting';
import { migratedDatabase } from '@pns/persistence/testing';
import { SocketForwarding } from '../mailbox/socket-forwarding';
import { freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { OutcomeRecorder, type Attempt } from '@pns/outcomes';
import { parkedMs } from '../registry/socket-rules';
import { Mailboxes } from '../mailbox/mailboxes';
import { SocketRegistry } from '../registry/socket-registry';
import { SocketNodes } from '../registry/socket-nodes';
import { Queues } from '@pns/queue';
import { connectRedis, KeySpace } from '@pns/redis';
import { EndedSessions, SessionTokens, type SessionRequest } from '@pns/sessions';
import type { Delivery, Outcome, OutcomeKind } from '@pns/transport-contract';
import { LocalSockets } from '../emit/local-sockets';
import { NodeId } from '../registry/node-id';
import { startSocketNode } from '../start-socket-node';
import type { SocketNodeOptions } from '../socket-node.module';
import { Client, type ClientOptions } from './client';

export const secret = 'a session secret of these tests';
const client = 'open-xchange-appsuite';

/** A node that holds sockets, in this process. */
export interface TestNode {
  readonly app: NestFastifyApplication;
  readonly id: string;
  readonly url: string;
}

/** Nodes that share a Redis, a database and a configuration. The methods do the work of the other apps. */
export class TestNodes {
  private readonly nodes: TestNode[] = [];
  private readonly clients: Client[] = [];
  private readonly attempts: Attempt[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'pns-sockets-'));
  private readonly prefix = freshPrefix();
  readonly keys = new KeySpace(2, this.prefix);
  readonly queues = new Queues(connectRedis(testRedisUrl()), this.keys);
  readonly socketNodes = new SocketNodes(this.queues.redis, this.keys);
  readonly registry = new SocketRegistry(this.queues.redis, this.keys, this.socketNodes);
  readonly mailboxes = new Mailboxes(this.queues.redis, this.keys, this.socketNodes);
  private readonly forwarding = new SocketForwarding(this.queues, this.mailboxes, new ConfigCascade());
  private order = 0;
  private readonly ended = new EndedSessions(this.queues.redis, this.keys);
  readonly sessions = new SessionTokens(secret, this.ended);

  /** The user of the current test. */
  user = { context: 1, user: 14 };

  private constructor(private readonly database: FreshDatabase) {}

  static async prepare(): Promise<TestNodes> {
    return new TestNodes(await migratedDatabase());
  }

  /** Writes a file of the configuration. */
  configure(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  /** Starts a node. `redisUrl` is another address of Redis, for example through a proxy. */
  async start(
    redisUrl = testRedisUrl(),
    healthPort?: number,
    trustedProxies: string[] = [],
    databaseUrl = this.databaseUrl,
  ): Promise<TestNode> {
    const env: SocketNodeOptions['env'] = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      PNS_SHARDS: this.keys.shards,
      PNS_CONFIG_DIR: this.folder,
      PNS_WEBSOCKET_PORT: 0,
      PNS_TRUSTED_PROXIES: trustedProxies,
      PNS_SESSION_SECRET: secret,
      PNS_SESSION_JWKS_URL: undefined,
    };
    const app = await startSocketNode({ env, prefix: this.prefix }, healthPort);
    const { port } = app.getHttpServer().address() as AddressInfo;
    const node = { app, id: app.get(NodeId, { strict: false }).id, url: `http://127.0.0.1:${port}` };
    this.nodes.push(node);
    this.listenTo(app.get(OutcomeRecorder, { strict: false }));
    return node;
  }

  /** Collects the attempts that a node records in Postgres. */
  private listenTo(recorder: OutcomeRecorder): void {
    const record = recorder.record.bind(recorder);
    recorder.record = (attempts) => {
      this.attempts.push(...attempts);
      return record(attempts);
    };
  }

  /** Lets a node wait before it records the outcomes of attempts, as for a slow Postgres. `reached` resolves when it waits. */
  holdRecords({ app }: TestNode): { readonly reached: Promise<void>; release(): void } {
    const recorder = app.get(OutcomeRecorder, { strict: false });
    const record = recorder.record.bind(recorder);
    let [reach, release] = [(): void => undefined, (): void => undefined];
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    recorder.record = async (attempts) => {
      reach();
      await released;
      return record(attempts);
    };
    return { reached, release };
  }

  /** Sets `user` to a user that no earlier test has used. */
  nextUser(): void {
    this.user = { context: 1, user: this.user.user + 1 };
  }

  /** A token for a new session of the user. */
  async token(more: Partial<SessionRequest> = {}): Promise<string> {
    return (await this.sessions.issue({ ...this.user, ...more })).token;
  }

  /** Begins to open a socket at `node`. */
  open(node: { readonly url: string }, options: ClientOptions): Client {
    const opened = Client.open(node.url, options);
    this.clients.push(opened);
    return opened;
  }

  /** Opens a socket of the user at `node` with a new session. */
  async connect(node: { readonly url: string }, connection?: string, options: ClientOptions = {}): Promise<Client> {
    const query = {
      session: await this.token(),
      ...(connection === undefined ? {} : { connection }),
      ...options.query,
    };
    return this.open(node, { ...options, query }).connected();
  }

  /** Dispatches a notification as the dispatcher does: one delivery for each node that holds sockets, by the registry. */
  async dispatch(more: Partial<Delivery> = {}): Promise<Delivery[]> {
    const to = { ...this.user, ...more };
    const common = { dueAt: Date.now(), order: ++this.order, notificationId: randomUUID() };
    const [groups = []] = await this.registry.socketsOf([to]);
    const deliveries = groups
      .filter((group) => more.client === undefined || more.client === group.client)
      .filter(({ connections }) => connections.some((connection) => connection !== more.sourceToken))
      .map(({ node, client: of, lookedAt }) => ({ ...this.delivery(node), ...common, lookedAt, client: of, ...more }));
    await this.forwarding.forwardAll(deliveries.filter((delivery) => nodeOf(delivery) === parkedNode));
    const toNodes = deliveries.filter((delivery) => nodeOf(delivery) !== parkedNode);
    await Promise.all(toNodes.map((delivery) => this.enqueue(delivery)));
    return deliveries;
  }

  /** The connection ids of the user's sockets that are open. */
  async openConnections(): Promise<string[]> {
    const [groups = []] = await this.registry.socketsOf([this.user]);
    return groups.filter(({ node }) => node !== parkedNode).flatMap(({ connections }) => connections);
  }

  /** Resolves once exactly `count` of the user's sockets are open. */
  async untilOpen(count: number): Promise<void> {
    const isSo = async () => (await this.openConnections()).length === count;
    await eventually(`${count} sockets of the user are open`, isSo);
  }

  /** Resolves once the node counts as dead. */
  async untilDead({ id }: Pick<TestNode, 'id'>): Promise<void> {
    await eventually('the node is known to be dead', async () => (await this.socketNodes.dead()).includes(id));
  }

  /** Resolves once no node considers this one dead. */
  async untilAlive({ id }: Pick<TestNode, 'id'>): Promise<void> {
    await eventually('the node is known to be alive', async () => !(await this.socketNodes.dead()).includes(id));
  }

  /** Puts a delivery into the queue of the node that it is for. */
  async enqueue(delivery: Delivery): Promise<void> {
    await enqueueDeliveries(this.queues, groupedByRoute([delivery], this.keys));
  }

  /** The queue of the deliveries to sockets of `node`. */
  queueOf({ id }: Pick<TestNode, 'id'>): ReturnType<Queues['queue']> {
    const { group, name } = nodeQueue(this.keys, id);
    return this.queues.queue(group, name);
  }

  /** A delivery for which the registry was read now, so that it is also for sockets that close later. */
  async deliveryNow(node: string): Promise<Delivery> {
    const [groups = []] = await this.registry.socketsOf([this.user]);
    const { lookedAt } = groups[0] ?? {};
    return { ...this.delivery(node), ...(lookedAt !== undefined && { lookedAt }) };
  }

  delivery(node: string): Delivery {
    const now = Date.now();
    return {
      id: randomUUID(),
      notificationId: randomUUID(),
      ...this.user,
      client,
      transport: 'websocket',
      token: node,
      topic: 'ox:mail:new',
      payload: { folder: 'default0/INBOX', id: '113', subject: "Let's meet" },
      priority: 'high',
      count: 1,
      timestamp: now,
      dueAt: now,
      order: ++this.order,
      lookedAt: now + 0.5,
      attempt: 1,
    };
  }

  /** Resolves once the delivery waits for a socket to come back. */
  async parked(id: string): Promise<void> {
    await eventually(`${id} is parked`, async () => (await this.waiting()).some((record) => record.includes(id)));
  }

  /** Makes the close of the user's socket earlier by `ms`. */
  async closedSince(connection: string, ms: number): Promise<void> {
    const { context, user } = this.user;
    const key = `${this.keys.group(this.keys.shardOf(context, user))}:sockets:${context}:${user}`;
    const entry = JSON.parse((await this.queues.redis.hget(key, connection)) ?? '{}') as { x: number; z: number };
    await this.queues.redis.hset(key, connection, JSON.stringify({ ...entry, x: entry.x - ms, z: entry.z - ms }));
  }

  /** The deliveries that are parked for the user's sockets. */
  waiting(): Promise<string[]> {
    const { context, user } = this.user;
    const group = this.keys.group(this.keys.shardOf(context, user));
    return this.queues.redis.hvals(`${group}:mailbox:${context}:${user}`);
  }

  get databaseUrl(): string {
    return this.database.url;
  }

  /** Resolves once no delivery is on its way to the sockets of the nodes. Parked deliveries may stay. */
  async quiet(): Promise<void> {
    const nodes = () => [...this.nodes, { id: parkedNode }];
    await eventually('no delivery is on its way', async () => {
      const busy = await Promise.all(nodes().map((node) => this.isBusy(node)));
      return !busy.includes(true);
    });
  }

  /** Resolves once the clients of the user's sockets at this node have confirmed everything. */
  async confirmed({ app }: TestNode): Promise<void> {
    const locals = [...app.get(LocalSockets, { strict: false })].filter(
      ({ options }) => options.user === this.user.user,
    );
    const isSo = () => locals.every((local) => local.unreceived('aborted').deliveries.length === 0);
    await eventually('the clients have confirmed everything', isSo);
  }

  private async isBusy(node: Pick<TestNode, 'id'>): Promise<boolean> {
    const jobs = await this.queueOf(node).getJobs(['wait', 'active', 'delayed']);
    return jobs.some(({ delay }) => delay < parkedMs);
  }

  /** Opens a load balancer with one node behind it at a time. */
  async balancer(): Promise<Balancer> {
    return openBalancer();
  }

  /** Resolves once an attempt at the delivery ended with one of `kinds`. */
  async outcome({ id }: Delivery, ...kinds: OutcomeKind[]): Promise<Outcome> {
    return eventually(
      `an attempt at ${id} ended with ${kinds.join(' or ')}`,
      () => this.attempts.find((one) => one.delivery.id === id && kinds.includes(one.outcome.kind))?.outcome,
    );
  }

  /** Closes the clients that the test opened. */
  closeClients(): void {
    for (const opened of this.clients.splice(0)) opened.close();
  }

  /** Stops a node as SIGTERM would. */
  async close(node: TestNode): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    await node.app.close();
  }

  async stop(): Promise<void> {
    this.closeClients();
    await Promise.all([...this.nodes].map((node) => this.close(node)));
    this.ended.close();
    await this.queues.onApplicationShutdown();
    if (this.queues.redis.status !== 'end') await once(this.queues.redis, 'end');
    await this.database.drop();
    rmSync(this.folder, { recursive: true });
  }
}

/** A load balancer with one node behind it at a time. */
interface Balancer {
  readonly url: string;
  sendTo(node: TestNode): void;
  close(): Promise<void>;
}

async function openBalancer(): Promise<Balancer> {
  let port = 0;
  const ends = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    ends.add(near);
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sendTo: (node) => (port = Number(new URL(node.url).port)),
    close: async () => {
      const closed = once(server.close(), 'close');
      for (const end of ends) end.destroy();
      await closed;
    },
  };
}
