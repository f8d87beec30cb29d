import { Ingest, Ticks, TickWorker, Windows } from '@pns/aggregation';
import { ConfigCascade } from '@pns/config-cascade';
import { DeliveryWorker, PausedClients } from '@pns/delivery';
import { Dispatch } from '@pns/dispatch';
import { History, HistoryWriter } from '@pns/history';
import { OutcomeRecorder } from '@pns/outcomes';
import { aggregationQueue, deliveryQueue, type TickJob } from '@pns/queue';
import { MemoryUse, type KeySpace } from '@pns/redis';
import { SocketForwarding, SocketNodes, SocketRegistry } from '@pns/sockets';
import type { ModelFarSide, Sender } from './far-side';
import type { KnownFailures, KnownSubscriptions } from './known-stores';
import { clockOfRedis, RedisGate } from './redis-gate';
import { SteppedQueues } from './stepped-queues';

/** The parts of PNS that a process of the model has. */
export type Role = 'api' | 'dispatcher' | 'worker';

/** The parts that all processes of a model share. */
export interface World {
  readonly redisUrl: string;
  readonly keys: KeySpace;
  readonly properties: ReadonlyMap<string, string>;
  readonly subscriptions: KnownSubscriptions;
  readonly failures: KnownFailures;
  readonly farSide: ModelFarSide;
  /** Called with each request that Redis executes. */
  readonly onSend: (text: string, process: ModelProcess) => void;
}

let started = 0;

/** A process with the classes of the apps. Its requests to Redis are held, and released one by one. */
export class ModelProcess implements Sender {
  readonly name: string;
  diedAt: number | undefined;
  quietAt = Date.now();
  ingest: Ingest | undefined;
  queues!: SteppedQueues;
  private gate!: RedisGate;
  private fetches = 0;

  private constructor(readonly role: Role) {
    this.name = `${role}-${++started}`;
  }

  static async start(role: Role, world: World): Promise<ModelProcess> {
    const process = new ModelProcess(role);
    process.gate = await RedisGate.connect(world.redisUrl, (text) => world.onSend(text, process));
    await process.build(world);
    process.gate.isOpen = false;
    return process;
  }

  get held(): number {
    return this.gate.held;
  }

  release(): Promise<void> {
    return this.gate.release();
  }

  async die(isSent: boolean): Promise<void> {
    this.diedAt = Date.now();
    await this.gate.die(isSent);
  }

  /** Fetches a job and runs it. Resolves when the job has ended. */
  fetch(): Promise<boolean> {
    const [worker] = this.queues.stepped;
    return worker === undefined ? Promise.resolve(false) : worker.fetch(`${this.name}:${++this.fetches}`);
  }

  /** Notes the time if Redis has answered all requests. */
  look(): void {
    if (this.diedAt === undefined && this.gate.held === 0) this.quietAt = Date.now();
  }

  /** The number of jobs that the process runs. */
  get busy(): number {
    return this.queues.stepped[0]?.busy() ?? 0;
  }

  private async build({ keys, properties, subscriptions, failures, farSide }: World): Promise<void> {
    const { redis } = this.gate;
    const clock = () => clockOfRedis;
    const queues = new SteppedQueues(redis, keys);
    this.queues = queues;
    for (const name of [aggregationQueue, deliveryQueue('webhook')]) {
      await queues.queue(keys.group(0), name).waitUntilReady();
    }
    const cascade = new ConfigCascade({ name: 'server', values: properties });
    const history = new History(new HistoryWriter(undefined as never), cascade); // the history is off, so it never writes
    const windows = new Windows(redis, keys, clock);
    const ticks = new Ticks(queues);
    const memory = new MemoryUse(redis);
    if (this.role === 'api') {
      this.ingest = new Ingest(windows, ticks, cascade, keys, memory, history);
    } else if (this.role === 'dispatcher') {
      // No user has a socket, so nothing is forwarded, and there are no clients of sockets.
      const registry = new SocketRegistry(redis, keys, new SocketNodes(redis, keys, clock), clock);
      const forwarding = new SocketForwarding(queues, undefined as never, cascade);
      const forms = { normalToken: (_: string, token: string) => token };
      const rules = [cascade, undefined as never, forms, forwarding, history] as const;
      const dispatch = new Dispatch(queues, subscriptions, registry, ...rules);
      const tickWorker = new TickWorker(queues, windows, ticks, cascade, memory);
      await tickWorker.start((batch, settling) => dispatch.dispatch(batch, settling));
      // Without sweeps, only a tick takes a window, so a missing tick is found.
      await queues.queue<TickJob>(keys.group(0), aggregationQueue).removeJobScheduler('sweep');
    } else {
      const outcomes = new OutcomeRecorder(subscriptions, failures, queues, history);
      const transport = farSide.transportOf(this);
      const paused = new PausedClients(transport, failures, queues);
      const sources = [{ group: keys.group(0), name: deliveryQueue('webhook') }];
      new DeliveryWorker(queues, transport, outcomes, cascade, paused, subscriptions, {
        sources,
      }).onApplicationBootstrap();
    }
  }
}
