import type { ConfigCascade } from '@pns/config-cascade';
import type { ChangedEndpoint, EndpointMessage, EndpointStore } from '@pns/persistence';
import type { Queues } from '@pns/queue';
import { declareCounter, log } from '@pns/runtime';
import { hasEndpoints, transportNames, type TransportName } from '@pns/transport-contract';
import { maxIds, sendToOperator } from './operator-message';

/** How long `announce` waits until its messages are queued, in ms. Meanwhile it holds the locks of their endpoints. */
const announceMs = 5000;

/** The operator gets one message in this time, in ms, for a client's endpoints at one server that reached the same percentage. */
const messageEveryMs = 3_600_000;

/** How often messages that had to wait are looked for, in ms. */
const lookEveryMs = 60_000;

/** Maximum number of messages of one transaction. */
const messagesAtOnce = 20;

/** The steps (from, to) of a failing endpoint, in percent of `disableAfter`. Each is a warning; 100 switches the endpoint off. */
const steps = [
  [0, 50],
  [50, 70],
  [70, 90],
  [90, 100],
] as const;

const warnings = declareCounter({
  name: 'pns_endpoint_warnings_total',
  help: 'Endpoints that were warned of, by percent of the time after which they are switched off; 100: switched off.',
  labels: { transport: transportNames.filter(hasEndpoints), percent: steps.map(([, to]) => String(to)) },
});

/**
 * Warns of endpoints that fail for long, and switches them off. Each step is logged and counted at once. Messages to the operator
 * are collected, so that a dead server with many URIs causes few of them.
 */
export class EndpointSteps {
  /** When waiting messages are looked for again, in ms since the epoch. */
  private lookAt = 0;

  constructor(
    private readonly transport: TransportName,
    private readonly endpoints: EndpointStore,
    private readonly queues: Queues,
    private readonly cascade: Pick<ConfigCascade, 'resolve' | 'certainValue'>,
  ) {}

  /** Takes the steps that are due at `at` (ms since the epoch). Resolves with whether endpoints were switched off. */
  async take(at: number): Promise<boolean> {
    // While the configured value is not known, the default must not switch off endpoints.
    const disableAfterMs = this.cascade.certainValue('com.openexchange.pns.endpoint.disableAfter') ?? 0;
    if (disableAfterMs === 0) return false;
    const { transport } = this;
    let areSwitchedOff = false;
    for (const [from, to] of steps) {
      const step = { transport, from, to, at, since: at - (disableAfterMs * to) / 100, disableAfterMs };
      for (let moved = await this.endpoints.step(step); moved.length > 0; moved = await this.endpoints.step(step)) {
        this.report(moved, to, disableAfterMs, at);
        this.lookAt = at;
        areSwitchedOff = to >= 100;
      }
      if (at >= this.lookAt) await this.announceAll(disableAfterMs, at);
    }
    return areSwitchedOff;
  }

  private report(moved: readonly ChangedEndpoint[], percent: number, disableAfterMs: number, at: number): void {
    for (const together of byServer(moved)) {
      const [{ client, origin, reason }] = together;
      const since = Math.min(...together.map((each) => each.since));
      const times = timesOf(since, percent, disableAfterMs, at);
      const fields = {
        transport: this.transport,
        client,
        origin,
        endpoints: together.length,
        percent,
        ...times,
        reason,
      };
      if (percent >= 100) log.error({ event: 'endpoint.switched-off', ...fields });
      else log.warn({ event: 'endpoint.failing', ...fields });
      warnings.inc({ transport: this.transport, percent: String(percent) }, together.length);
    }
  }

  private async announceAll(disableAfterMs: number, at: number): Promise<void> {
    while ((await this.announce(disableAfterMs, at)) === messagesAtOnce);
    this.lookAt = at + lookEveryMs;
  }

  private announce(disableAfterMs: number, at: number): Promise<number> {
    const { transport } = this;
    const webhook = this.cascade.resolve('com.openexchange.pns.operator.webhook').value;
    const send = async (messages: readonly EndpointMessage[]): Promise<void> => {
      if (webhook === '') return;
      const reports = messages.map(({ ids: endpoints, since, ...rest }) => ({
        ...{ transport, endpoints, ...rest },
        ...timesOf(since, rest.percent, disableAfterMs, at),
      }));
      await withinAnnounceMs(sendToOperator(this.queues, webhook, reports, at));
    };
    const request = { transport, now: at, everyMs: messageEveryMs, limit: messagesAtOnce, maxIds };
    return this.endpoints.announce(request, send);
  }
}

/** The times in a report, in the format of RFC 3339. */
function timesOf(
  since: number,
  percent: number,
  disableAfterMs: number,
  at: number,
): { readonly since: string; readonly switchesOffAt: string } {
  const switchesOffAt = percent >= 100 ? at : since + disableAfterMs;
  return { since: new Date(since).toISOString(), switchesOffAt: new Date(switchesOffAt).toISOString() };
}

/** @throws Error if `sending` takes too long, for example while Redis is away; the messages are sent later */
async function withinAnnounceMs(sending: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`The operator's messages were not queued within ${announceMs} ms.`)),
      announceMs,
    );
  });
  await Promise.race([sending, late]).finally(() => clearTimeout(timer));
}

function byServer(endpoints: readonly ChangedEndpoint[]): [ChangedEndpoint, ...ChangedEndpoint[]][] {
  const groups = new Map<string, [ChangedEndpoint, ...ChangedEndpoint[]]>();
  for (const endpoint of endpoints) {
    const key = `${endpoint.client} ${endpoint.origin}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [endpoint]);
    else group.push(endpoint);
  }
  return [...groups.values()];
}
