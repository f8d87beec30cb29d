import type { Notification } from '@pns/notifications';
import { aggregationQueue, deliveryQueue, Queues, type TickJob } from '@pns/queue';
import { KeySpace } from '@pns/redis';
import type { Delivery, Outcome } from '@pns/transport-contract';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { ModelFarSide } from './far-side';
import { KnownFailures, KnownSubscriptions } from './known-stores';
import { ModelProcess, type Role, type World } from './model-process';
import { untilQuiet } from './redis-gate';
import { kindOf, Reference, type SeenWindow } from './reference';
import { returnJobsOfDead } from './stepped-queues';

/** The clock of all processes, which the scheduler moves. */
interface VirtualTime {
  advance(ms: number): void;
}

const rules = { delayMs: 1000, maxDelayMs: 2500 };
const retryAttempts = 3;
const clients = ['one', 'two'];

/** The settings of all processes. */
const properties = new Map(
  Object.entries({
    'com.openexchange.pns.delayDuration': rules.delayMs,
    'com.openexchange.pns.maxDelayDuration': rules.maxDelayMs,
    'com.openexchange.pns.aggregation.model:collect': 'collect',
    'com.openexchange.pns.history': 'none',
    'com.openexchange.pns.retry.attempts': retryAttempts,
    'com.openexchange.pns.retry.baseDelay': 50,
    'com.openexchange.webhooks.enabledIds': clients.join(),
  }).map(([name, value]) => [name, String(value)]),
);

const roles: readonly Role[] = ['api', 'api', 'dispatcher', 'dispatcher', 'worker', 'worker'];

/** The most jobs that a process runs at once. As in PNS, a job that waits for its far side does not block the worker. */
const mostJobs = 3;

/** In this virtual time everything must arrive, in ms. The longest wait of a window, ticks and all retries take less time. */
const drainedAfterMs = 120_000;

/**
 * The most deaths of workers in a run. After more deaths of its workers, a job is sent in small steps. A Node process runs only
 * one such job at a time. All processes of the model share one Node process, so they would wait for each other.
 */
const mostWorkerDeaths = 2;

type Texts = Readonly<Record<string, string>>;

/** The processes of PNS with one Redis, and the reference. A process continues only with a step of the scheduler. */
export class Scene {
  private readonly keys = new KeySpace(1);
  private readonly farSide = new ModelFarSide();
  private readonly failures = new KnownFailures();
  private readonly world: World;
  private readonly queues: Queues;
  private reference = new Reference(rules);
  private processes: ModelProcess[] = [];
  private workerDeaths = 0;
  /** Whether a process died whose jobs were not taken over yet. */
  private hasDead = false;
  /** Whether the last request read or changed windows. */
  private haveTouched = false;
  private posts = 0;
  private fault: string | undefined;

  constructor(
    redisUrl: string,
    private readonly admin: Redis,
    private readonly time: VirtualTime,
  ) {
    this.queues = new Queues(admin, this.keys);
    this.world = {
      ...{ redisUrl, properties, keys: this.keys, farSide: this.farSide, failures: this.failures },
      subscriptions: new KnownSubscriptions(clients),
      onSend: (text, process) => this.executed(text, process),
    };
  }

  /** Starts missing processes and deletes the previous run. Living processes continue, because every run has new ids. */
  async begin(): Promise<void> {
    await this.admin.flushall();
    for (const role of roles.slice(this.processes.length))
      this.processes.push(await ModelProcess.start(role, this.world));
    this.reference = new Reference(rules);
    this.farSide.clear();
    this.failures.deliveries.clear();
    this.workerDeaths = 0;
    this.hasDead = false;
    this.fault = undefined;
  }

  /** Kills all processes, so that the next run starts new ones. */
  async abandon(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.die(false)));
    this.processes = [];
  }

  /** Posts a notification of one of three kinds to one of two users. */
  async post(which: number, api: number): Promise<void> {
    const [user, kind] = [1 + (which % 2), which % 3];
    const id = `m${++this.posts}-`;
    const topic = kind === 2 ? 'model:collect' : 'model:equal';
    const notification: Notification = {
      ...{ id, context: 1, user, topic, timestamp: Date.now(), idempotencyKey: id, priority: 'high' as const },
      ...{ aggregationKey: 'inbox', payload: { key: kind, ...(kind === 2 && { id }) } },
    };
    this.reference.posted.set(id, { notification, isJoined: false, isAccepted: false });
    await this.send(id, api);
  }

  /** Posts a notification again whose producer has no answer. */
  async repeat(which: number, api: number): Promise<void> {
    const open = [...this.reference.posted].filter(([, { isAccepted }]) => !isAccepted);
    const id = open[which % open.length]?.[0];
    if (id !== undefined) await this.send(id, api);
  }

  /** Releases up to `count` requests of one process: Redis executes them, and the process gets the answers. */
  async release(which: number, count: number): Promise<void> {
    const waiting = this.processes.filter(({ held }) => held > 0);
    const process = waiting[which % waiting.length];
    for (let each = 0; each < count && process !== undefined && process.held > 0; each++) await this.releaseOf(process);
  }

  /** Fetches a job, if there is one, with a dispatcher or a worker. */
  async fetch(which: number): Promise<void> {
    const able: ModelProcess[] = [];
    for (const queue of this.allQueues()) {
      if (await this.hasJob(queue)) able.push(...this.processes.filter(({ role }) => role === roleOf(queue)));
    }
    const idle = able.filter(({ busy }) => busy < mostJobs);
    void idle[which % idle.length]?.fetch();
    await untilQuiet();
  }

  /** Answers one of the open attempts. */
  async answer(which: number, outcome: Outcome): Promise<void> {
    const { open } = this.farSide;
    const sent = open[which % open.length];
    if (sent === undefined) return;
    this.farSide.answer(sent, outcome);
    await untilQuiet();
  }

  async advance(ms: number): Promise<void> {
    this.time.advance(ms);
    await untilQuiet();
  }

  /** Moves the clock to the time at which the next job can be fetched. */
  async advanceToNextJob(): Promise<void> {
    const next = await this.nextJobAt();
    if (next !== undefined && next > Date.now()) await this.advance(next - Date.now());
  }

  /** Kills a working process and starts a new one. With `isSent`, Redis executes the next request of the killed process. */
  async kill(which: number, isSent: boolean): Promise<void> {
    const working = this.processes.filter(({ held, busy }) => held > 0 || busy > 0);
    const process = working[which % working.length];
    if (process === undefined) return;
    const index = this.processes.indexOf(process);
    if (process.role === 'worker' && ++this.workerDeaths > mostWorkerDeaths) return;
    this.haveTouched = false;
    await process.die(isSent);
    await this.compareIfTouched(process);
    this.hasDead = true;
    this.processes[index] = await ModelProcess.start(process.role, this.world);
  }

  /** Returns the jobs of dead processes to their queues, so that living processes can fetch them. */
  async recover(): Promise<void> {
    if (!this.hasDead) return;
    this.hasDead = false;
    const living = this.processes.map(({ name }) => name);
    for (const queue of this.allQueues()) await returnJobsOfDead(this.admin, queue, living);
  }

  /** Notes which processes wait for no answer of Redis. Must be called after each step. */
  look(): void {
    for (const process of this.processes) process.look();
  }

  /** Continues all processes until no window, job or attempt is left. */
  async drain(): Promise<void> {
    await this.drainQueues();
    this.assertNo(this.fault);
    if (this.reference.open.length === 0) return;
    if (this.reference.owed.length > 0) throw new Error(`The window of ${this.reference.owed[0]} has no tick.`);
    // An API process died before it added the tick, and its producer has no answer. A sweep takes the window.
    await this.advance(rules.maxDelayMs);
    await this.queues.queue<TickJob>(this.keys.group(0), aggregationQueue).add('sweep', { v: 1, dueAt: 0 });
    await this.drainQueues();
  }

  private async drainQueues(): Promise<void> {
    const until = Date.now() + drainedAfterMs;
    for (;;) {
      for (let isBusy = true; isBusy;) isBusy = await this.runOnce();
      await this.recover();
      const next = await this.nextJobAt();
      if (next === undefined) return;
      if (Date.now() > until) throw new Error('There are jobs that never end.');
      await this.advance(Math.max(25, next - Date.now()));
    }
  }

  /** @throws Error if a notification was lost or repeated, or a step was wrong */
  check(): void {
    const faults = this.processes.flatMap(({ queues }) => queues.faults.splice(0));
    if (faults.length > 0) throw new Error(`A job failed: ${String(faults[0])}`);
    this.assertNo(this.fault);
    this.assertNo(this.farSide.fault);
    if (this.reference.open.length > 0) throw new Error('A window was never taken.');
    for (const [id, { isAccepted, isJoined }] of this.reference.posted) {
      if (isAccepted && !isJoined) throw new Error(`${id} was accepted before it was stored.`);
    }
    for (const client of clients) {
      const ended = this.ended(client);
      for (const { kind, id, count } of this.reference.taken) {
        const delivery = ended.get(id);
        if (delivery === undefined)
          throw new Error(`${client} did not get ${id}, which stands for ${count} of ${kind}.`);
        if (kind.includes('collect') && delivery.count !== count) {
          throw new Error(`${id} stands for ${delivery.count} instead of ${count} notifications at ${client}.`);
        }
      }
    }
  }

  private assertNo(fault: string | undefined): void {
    if (fault !== undefined) throw new Error(fault);
  }

  private async send(id: string, which: number): Promise<void> {
    const apis = this.processes.filter(({ role }) => role === 'api');
    const posted = this.reference.posted.get(id);
    const ingest = apis[which % apis.length]?.ingest;
    if (ingest === undefined || posted === undefined) return;
    void ingest.join([posted.notification]).then(() => (posted.isAccepted = true));
    await untilQuiet();
  }

  private executed(text: string, process: ModelProcess): void {
    this.haveTouched ||= text.includes(':due\r\n');
    if (process.role !== 'api') return;
    for (const [, id] of text.matchAll(/"id":"(m\d+-)","context"/g)) this.reference.join(String(id), Date.now());
  }

  private async releaseOf(process: ModelProcess): Promise<void> {
    this.haveTouched = false;
    await process.release();
    await this.compareIfTouched(process);
  }

  /** Compares the windows in Redis with the reference after a request about windows. Only a dispatcher may take windows. */
  private async compareIfTouched({ role }: ModelProcess): Promise<void> {
    if (this.haveTouched) await this.compare(role === 'dispatcher');
  }

  private async compare(mayTake: boolean): Promise<void> {
    const group = this.keys.group(0);
    const pipeline = this.admin.pipeline().hgetall(`${group}:items`).hgetall(`${group}:spans`);
    const answers = await pipeline.zrange(`${group}:due`, 0, -1, 'WITHSCORES').exec();
    const [items, spans, due] = answers?.map(([, answer]) => answer) as [Texts, Texts, string[]];
    const seen = new Map<string, SeenWindow>();
    for (let at = 0; at < due.length; at += 2) {
      const key = String(due[at]);
      const [first, , , count] = (spans[key] ?? '').split(':').map(Number);
      const item = JSON.parse(items[key] ?? '{"payload":{}}') as Parameters<typeof kindOf>[0] & { readonly id: string };
      seen.set(kindOf(item), { first: first ?? NaN, dueAt: Number(due[at + 1]), count: count ?? NaN, id: item.id });
    }
    this.fault ??= this.reference.differenceTo(seen, Date.now(), mayTake);
  }

  /** Releases all requests, answers all attempts and fetches a job from each queue. Returns whether there was anything to do. */
  private async runOnce(): Promise<boolean> {
    let isBusy = false;
    for (const process of this.processes) {
      while (process.held > 0) {
        isBusy = true;
        await this.releaseOf(process);
      }
    }
    for (const sent of this.farSide.open) {
      isBusy = true;
      this.farSide.answer(sent, { kind: 'delivered' });
    }
    await untilQuiet();
    for (const queue of this.allQueues()) {
      if (!(await this.hasJob(queue))) continue;
      isBusy = true;
      void this.processes.find(({ role }) => role === roleOf(queue))?.fetch();
    }
    await untilQuiet();
    return isBusy;
  }

  private allQueues(): Queue[] {
    return [aggregationQueue, deliveryQueue('webhook')].map((name) => this.queues.queue(this.keys.group(0), name));
  }

  /** Whether a job can be fetched now. */
  private async hasJob(queue: Queue): Promise<boolean> {
    if ((await this.admin.llen(queue.toKey('wait'))) > 0) return true;
    const next = await this.delayedUntil(queue);
    return next !== undefined && next <= Date.now();
  }

  /** When the next job can be fetched, in ms since the epoch: now if a job waits or is in progress; undefined without a job. */
  private async nextJobAt(): Promise<number | undefined> {
    let next: number | undefined;
    for (const queue of this.allQueues()) {
      const [waiting, active] = [
        await this.admin.llen(queue.toKey('wait')),
        await this.admin.llen(queue.toKey('active')),
      ];
      const at = waiting + active > 0 ? Date.now() : await this.delayedUntil(queue);
      if (at !== undefined) next = Math.min(next ?? Infinity, at);
    }
    return next;
  }

  private async delayedUntil(queue: Queue): Promise<number | undefined> {
    const [, score] = await this.admin.zrange(queue.toKey('delayed'), 0, 0, 'WITHSCORES');
    return score === undefined ? undefined : Math.floor(Number(score) / 0x1000); // BullMQ multiplies the time by 0x1000
  }

  /** The deliveries that reached a client or were stored as failed, by the id of their notification. */
  private ended(client: string): ReadonlyMap<string, Delivery> {
    const all = [
      ...this.farSide.sent.filter(({ outcome }) => outcome?.kind === 'delivered').map(({ delivery }) => delivery),
      ...[...this.failures.deliveries.values()].map(({ delivery }) => delivery),
    ];
    return new Map(
      all.filter((delivery) => delivery.client === client).map((delivery) => [delivery.notificationId, delivery]),
    );
  }
}

/** The role of the processes that run the jobs of a queue. */
function roleOf({ name }: Queue): Role {
  return name === aggregationQueue ? 'dispatcher' : 'worker';
}
