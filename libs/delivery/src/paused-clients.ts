import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { FailedDeliveryStore } from '@pns/persistence';
import type { Queues } from '@pns/queue';
import { log, metrics, RecurringFault } from '@pns/runtime';
import type { Transport } from '@pns/transport-contract';
import { Gauge } from 'prom-client';
import { retryFailed } from './retry-failed';

interface Pause {
  readonly reason: string;
  /** What the client had been set up with. */
  readonly options: unknown;
  /** In ms since the epoch: then a few deliveries find out whether the provider takes them now. */
  readonly until: number;
}

/** How long a client is spared when nobody changes its settings, in ms: the provider may have been at fault. */
const pauseMs = 60_000;

/** How often it is looked for clients whose deliveries can go out again, in ms; a glance at an index. */
const lookMs = 1000;

/** What goes out again at one look: to find out whether it works, and once it is known to. */
const [trialLimit, limit] = [100, 1000];

const running = new Set<PausedClients>();

new Gauge({
  name: 'pns_transport_paused',
  help: 'Clients whose deliveries wait because their credentials or settings are at fault.',
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
 * Spares a provider the deliveries of clients whose credentials it refuses. They are kept in Postgres meanwhile, and go
 * out by themselves once the client's settings have changed, or a minute has passed and the provider takes them.
 */
export class PausedClients implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly paused = new Map<string, Pause>();
  /** Clients that something was delivered for since they were last at fault. */
  private readonly sound = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private readonly lookFault: RecurringFault;

  constructor(
    readonly transport: Pick<Transport, 'name' | 'options'>,
    private readonly failed: FailedDeliveryStore,
    private readonly queues: Queues,
  ) {
    const { name } = transport;
    this.lookFault = new RecurringFault('transport.held-not-read', 'transport.held-read', { transport: name });
  }

  /** The names of those that are paused now. */
  get clients(): Iterable<string> {
    return this.paused.keys();
  }

  /** Why nothing is to be sent for `client` now; undefined when it may. */
  reason(client: string): string | undefined {
    if (this.paused.size === 0) return undefined;
    const pause = this.paused.get(client);
    if (pause === undefined) return undefined;
    if (pause.until > Date.now() && pause.options === this.transport.options?.(client)) return pause.reason;
    this.paused.delete(client);
    return undefined;
  }

  /**
   * `options` are those that proved wrong; nothing happens when they have been replaced meanwhile. A client without any
   * is a name that somebody subscribed with: no provider needs to be spared it, and nobody is told of each.
   */
  pause(client: string, reason: string, options: unknown): void {
    if (options === undefined || options !== this.transport.options?.(client)) return;
    if (!this.paused.has(client)) {
      log.error({ event: 'transport.paused', transport: this.transport.name, client, reason });
    }
    this.sound.delete(client);
    this.paused.set(client, { reason, options, until: Date.now() + pauseMs });
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

  private async look(): Promise<void> {
    const { name: transport } = this.transport;
    try {
      for (const client of await this.failed.namesOfHeldClients(transport)) {
        if (this.reason(client) !== undefined || this.transport.options?.(client) === undefined) continue;
        const most = this.sound.has(client) ? limit : trialLimit;
        await retryFailed(this.queues, this.failed, { transport, client, isHeld: true }, most);
      }
      this.lookFault.isOver();
    } catch (error) {
      this.lookFault.occurred(error);
    }
  }
}
