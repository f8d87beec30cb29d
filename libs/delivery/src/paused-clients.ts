import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { ClientOptions } from '@pns/config-folder';
import type { FailedDeliveryStore } from '@pns/persistence';
import type { Queues } from '@pns/queue';
import { log, metrics, RecurringFault } from '@pns/runtime';
import type { Transport } from '@pns/transport-contract';
import { Gauge } from 'prom-client';
import { retryFailed } from './retry-failed';

interface Pause {
  readonly reason: string;
  /** The client's options when it was paused; undefined where its entry was refused. */
  readonly options: unknown;
  /** In ms since the epoch: from then on deliveries find out whether the provider accepts them now. */
  readonly until: number;
}

/** How long a client whose options do not change is paused, in ms: the provider may have been at fault. */
const pauseMs = 60_000;

/** How often it is looked for clients whose deliveries can go out again, in ms; a glance at an index. */
const lookMs = 1000;

/** What goes out again at one look: to find out whether it works, and once it is known to. */
const [trialLimit, limit] = [100, 1000];

/** How many clients are told of: a file that cannot be read at all refuses every name that somebody subscribed with. */
const maxPaused = 1000;

const running = new Set<PausedClients>();

new Gauge({
  name: 'pns_transport_paused',
  help: 'Clients whose deliveries are held because their credentials or settings are wrong.',
  labelNames: ['transport', 'client'],
  registers: [metrics],
  collect() {
    this.reset();
    for (const { transport, clients } of running) {
      for (const client of clients) this.set({ transport: transport.name, client }, 1);
    }
  },
});

/**
 * Pauses clients whose credentials their provider refuses, or whose entry in the configuration was refused. Their deliveries are
 * held in Postgres, and go out by themselves once the client's options have changed, or a minute has passed and the provider
 * accepts them.
 */
export class PausedClients implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly paused = new Map<string, Pause>();
  /** Clients that something was delivered for since they were last at fault. */
  private readonly sound = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private readonly lookFault: RecurringFault;

  /** `configured` knows whose entry was refused; absent for a transport without options. */
  constructor(
    readonly transport: Pick<Transport, 'name' | 'options'>,
    private readonly failed: FailedDeliveryStore,
    private readonly queues: Queues,
    private readonly configured?: Pick<ClientOptions, 'standing' | 'refused'>,
  ) {
    const { name } = transport;
    this.lookFault = new RecurringFault('transport.held-not-read', 'transport.held-read', { transport: name });
  }

  /** The names of those that are paused now, or were until a delivery found out whether they still have to be. */
  get clients(): Iterable<string> {
    return this.paused.keys();
  }

  /** Why nothing can be sent for `client` now; undefined when it can. */
  reason(client: string): string | undefined {
    const options = this.transport.options?.(client);
    const pause = this.paused.get(client);
    if (options === undefined) {
      const refusal = this.refusal(client);
      if (refusal === undefined) this.paused.delete(client);
      else this.enter(client, { reason: refusal, options, until: Infinity });
      return refusal;
    }
    if (pause === undefined) return undefined;
    if (pause.options !== options) this.paused.delete(client);
    else if (pause.until > Date.now()) return pause.reason;
    return undefined;
  }

  /** That the client's entry in the configuration was refused, where it was. */
  refusal(client: string): string | undefined {
    const standing = this.configured?.standing(this.transport.name, client);
    return standing?.kind === 'refused' ? refusalSentence(client, standing.reason) : undefined;
  }

  /**
   * `options` are those that proved wrong; nothing happens when they have been replaced meanwhile. A client without any
   * entry is a name that somebody subscribed with: there is no provider to protect, and any number of such names.
   */
  pause(client: string, reason: string, options: unknown): void {
    if (options === undefined || options !== this.transport.options?.(client)) return;
    this.enter(client, { reason, options, until: Date.now() + pauseMs });
  }

  resume(client: string): void {
    if (this.paused.delete(client)) log.info({ event: 'transport.resumed', transport: this.transport.name, client });
    this.sound.add(client);
  }

  onApplicationBootstrap(): void {
    running.add(this);
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => (this.looking = undefined));
    }, lookMs);
  }

  async onApplicationShutdown(): Promise<void> {
    running.delete(this);
    clearInterval(this.timer);
    await this.looking;
  }

  /** Logged once, until the client's options change or something is delivered for it. */
  private enter(client: string, pause: Pause): void {
    const before = this.paused.get(client);
    if (before === undefined && this.paused.size >= maxPaused) return;
    if (before === undefined || before.options !== pause.options) {
      log.error({ event: 'transport.paused', transport: this.transport.name, client, reason: pause.reason });
    }
    this.sound.delete(client);
    this.paused.set(client, pause);
  }

  private async look(): Promise<void> {
    const { name: transport } = this.transport;
    // Also where no delivery waits for them, so that the gauge is 1 at once.
    for (const client of this.configured?.refused(transport) ?? []) this.reason(client);
    try {
      const held = new Set(await this.failed.namesOfHeldClients(transport));
      this.forgetMended(held);
      for (const client of held) {
        if (this.reason(client) !== undefined || this.transport.options?.(client) === undefined) continue;
        const most = this.sound.has(client) ? limit : trialLimit;
        await retryFailed(this.queues, this.failed, { transport, client, isHeld: true }, most);
      }
      this.lookFault.isOver();
    } catch (error) {
      this.lookFault.occurred(error);
    }
  }

  /** Where no delivery waits to find out, the pause ends with its time, or with other options. */
  private forgetMended(held: ReadonlySet<string>): void {
    for (const [client, { until }] of this.paused) {
      if (this.reason(client) === undefined && until <= Date.now() && !held.has(client)) this.paused.delete(client);
    }
  }
}

function refusalSentence(client: string, reason: string): string {
  return `The entry of ${client} in the configuration was refused (${reason}).`;
}
