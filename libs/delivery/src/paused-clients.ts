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
  /** The client's options when it was paused; undefined when its entry was refused. */
  readonly options: unknown;
  /** When deliveries are sent again as a trial, in ms since the epoch. */
  readonly until: number;
}

/** How long a client is paused while its options do not change, in ms. The fault may be the provider's, so a trial follows. */
const pauseMs = 60_000;

/** How often Postgres is searched for clients with held deliveries, in ms; the query reads only an index. */
const searchEveryMs = 1000;

/** Maximum number of held deliveries of a client that one search releases: as a trial, and once the client is known to work. */
const [maxTrial, maxReleased] = [100, 1000];

/** The maximum number of paused clients. There may be many, because all are refused while an option file is unreadable. */
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
 * Pauses clients whose credentials the provider refuses, or whose configuration entry was refused. Their deliveries are held in
 * Postgres. They are released when the client's options change, or after a minute when the provider accepts a trial.
 */
export class PausedClients implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly paused = new Map<string, Pause>();
  /** Clients with a delivery that arrived since their last pause. */
  private readonly working = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private searching: Promise<void> | undefined;
  private readonly searchFault: RecurringFault;

  /** `configured` returns which entries were refused; absent for a transport without options. */
  constructor(
    readonly transport: Pick<Transport, 'name' | 'options'>,
    private readonly failed: FailedDeliveryStore,
    private readonly queues: Queues,
    private readonly configured?: Pick<ClientOptions, 'standing' | 'refused'>,
  ) {
    const { name } = transport;
    this.searchFault = new RecurringFault('transport.held-not-read', 'transport.held-read', { transport: name });
  }

  /** The paused clients, including those whose pause is over but whose trial has no outcome yet. */
  get clients(): Iterable<string> {
    return this.paused.keys();
  }

  /** Why deliveries of `client` are held now; undefined when they can be sent. */
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

  /** Why the client's configuration entry was refused; undefined when it was not. */
  refusal(client: string): string | undefined {
    const standing = this.configured?.standing(this.transport.name, client);
    return standing?.kind === 'refused' ? refusalSentence(client, standing.reason) : undefined;
  }

  /**
   * Pauses `client`, unless `options`, which proved wrong, have been replaced meanwhile. A client without an entry is not paused,
   * because there is no provider to protect, and subscriptions may name any number of clients.
   */
  pause(client: string, reason: string, options: unknown): void {
    if (options === undefined || options !== this.transport.options?.(client)) return;
    this.enter(client, { reason, options, until: Date.now() + pauseMs });
  }

  resume(client: string): void {
    if (this.paused.delete(client)) log.info({ event: 'transport.resumed', transport: this.transport.name, client });
    this.working.add(client);
  }

  onApplicationBootstrap(): void {
    running.add(this);
    this.timer = setInterval(() => {
      this.searching ??= this.search().finally(() => (this.searching = undefined));
    }, searchEveryMs);
  }

  async onApplicationShutdown(): Promise<void> {
    running.delete(this);
    clearInterval(this.timer);
    await this.searching;
  }

  /** Pauses a client. The pause is logged once, until the client's options change or a delivery arrives. */
  private enter(client: string, pause: Pause): void {
    const before = this.paused.get(client);
    if (before === undefined && this.paused.size >= maxPaused) return;
    if (before === undefined || before.options !== pause.options) {
      log.error({ event: 'transport.paused', transport: this.transport.name, client, reason: pause.reason });
    }
    this.working.delete(client);
    this.paused.set(client, pause);
  }

  private async search(): Promise<void> {
    const { name: transport } = this.transport;
    // `reason` also pauses refused clients without held deliveries, so that their gauge is 1 at once.
    for (const client of this.configured?.refused(transport) ?? []) this.reason(client);
    try {
      const held = new Set(await this.failed.namesOfHeldClients(transport));
      this.removeRecovered(held);
      for (const client of held) {
        if (this.reason(client) !== undefined || this.transport.options?.(client) === undefined) continue;
        const most = this.working.has(client) ? maxReleased : maxTrial;
        await retryFailed(this.queues, this.failed, { transport, client, isHeld: true }, most);
      }
      this.searchFault.isOver();
    } catch (error) {
      this.searchFault.occurred(error);
    }
  }

  /** Ends the pauses of clients without held deliveries when their time is over or their options changed. */
  private removeRecovered(held: ReadonlySet<string>): void {
    for (const [client, { until }] of this.paused) {
      if (this.reason(client) === undefined && until <= Date.now() && !held.has(client)) this.paused.delete(client);
    }
  }
}

function refusalSentence(client: string, reason: string): string {
  return `The entry of ${client} in the configuration was refused (${reason}).`;
}
