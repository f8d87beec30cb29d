import type { System } from '@pns/e2e';
import { type PushMessage, type Received, type Sandbox, SimulatedUserAgent, type UserAgent } from '@pns/sandbox';
import { newVapidKeys } from '@pns/transport-webpush';
import { type Arrived, flow } from '../arrivals';
import { fillQueues } from '../backlog';
import { withBaseline } from '../baseline-process';
import { end } from '../profile';
import type { Measured, Scenario, Size } from '../scenario';
import { startMeasured, withSandbox } from '../servers';

const client = 'mail';
const browsers = 200;
/** The number of connections that PNS may open to a push service. */
const connections = 100;
/** Of this number of messages, one is decrypted. The others are not, because the receiver is not measured. */
const messagesPerDecryption = 100;
const messagesOf = (size: Size): number => (size === 'full' ? 30_000 : 8000);
const vapidDetails = { subject: 'mailto:ops@example.com', ...newVapidKeys() };

interface BrowserKeys {
  readonly p256dh: string;
  readonly auth: string;
}

/** A push service with an endpoint for each message. The endpoints share the keys of a few browsers. */
class PushService {
  readonly keys: readonly BrowserKeys[];
  readonly endpoints: readonly string[];
  private different = 0;
  private duplicated = 0;
  private decrypted = 0;

  constructor(
    private readonly sandbox: Sandbox,
    readonly count: number,
  ) {
    const agents = Array.from({ length: browsers }, () => new SimulatedUserAgent());
    this.keys = agents.map(({ publicKeys }) => publicKeys);
    this.endpoints = Array.from({ length: count }, (_, index) => {
      const browser = index % messagesPerDecryption === 0 ? agents[index % browsers] : undefined;
      const subscription = this.provider.register(this.counting(browser), vapidDetails.publicKey, `message-${index}`);
      return this.provider.endpointOf(subscription);
    });
  }

  get ca(): string {
    return this.providers.authority.cert;
  }

  readonly arrived = (): Arrived => ({ different: this.different, duplicated: this.duplicated });

  /** Fails unless the user agents could decrypt their messages. */
  expectDecrypted(): void {
    const expected = Math.ceil(this.count / messagesPerDecryption);
    if (this.decrypted < expected) throw new Error(`Browsers decrypted ${this.decrypted} of ${expected} messages.`);
  }

  private get providers() {
    if (this.sandbox.providers === undefined) throw new Error('The sandbox has no push service.');
    return this.sandbox.providers;
  }

  private get provider() {
    return this.providers.webpush;
  }

  private counting(browser: UserAgent | undefined): UserAgent {
    let isFirst = true;
    return {
      receive: (message: PushMessage): Received => {
        if (isFirst) this.different++;
        else this.duplicated++;
        isFirst = false;
        const { text } = browser?.receive(message) ?? {};
        if (text !== undefined) this.decrypted++;
        return { checks: [] };
      },
    };
  }
}

const side = (work: (service: PushService) => Promise<Measured>) => (size: Size) =>
  withSandbox({ keep: 1000 }, async (sandbox) => {
    const service = new PushService(sandbox, messagesOf(size));
    const measured = await work(service);
    service.expectDecrypted();
    const { different, duplicated } = service.arrived();
    return { ...measured, lost: service.count - different, duplicated };
  });

const ours = side(async ({ ca, count, keys, endpoints, arrived }) => {
  const system = await startMeasured({});
  try {
    system.configure('authority.pem', ca);
    const options = { ...vapidDetails, caFile: 'authority.pem', allowedNetworks: ['127.0.0.0/8'] };
    // JSON is valid YAML.
    system.configure('pns-webpush-options.yml', JSON.stringify({ [client]: options }));
    const api = await system.add('api');
    const ids = await registered(system, keys);
    await api.stop();
    await fillQueues({ redisUrl: system.redis.url, databaseUrl: system.databaseUrl }, count, 'webpush', (index) => {
      const [token = '', subscriptionId = ''] = [endpoints[index], ids[index % browsers]];
      return { client, token, subscriptionId };
    });
    const { child } = await system.add('worker-webpush');
    const pids = { Node: child.pid ?? 0, Redis: system.redis.pid };
    const { perSecond, costs } = await flow(count, arrived, pids);
    return { value: perSecond, lost: 0, duplicated: 0, costs };
  } finally {
    await end(system, system.all('worker-webpush'));
  }
});

/** Registers the browsers with PNS, which encrypts and stores their keys; resolves with the ids of the subscriptions. */
function registered(system: System, keys: readonly BrowserKeys[]): Promise<string[]> {
  const common = { context: 1, client, transport: 'webpush', topics: ['*'] };
  return Promise.all(
    keys.map(async (each, index) => {
      const pushSubscription = {
        ...{ endpoint: `https://push.example.com/${index}`, keys: each },
        applicationServerKey: vapidDetails.publicKey,
      };
      const registration = { ...common, user: 1 + index, pushSubscription };
      return (await system.expect<{ id: string }>(201, 'POST', '/v1/subscriptions', registration)).id;
    }),
  );
}

const baseline = side(({ ca, count, keys, endpoints: [first = ''], arrived }) =>
  withBaseline(
    'web-push',
    { ca, connections, vapidDetails, keys, base: first.replace(/\d+$/, ''), count },
    async ({ pid }) => {
      const { perSecond, costs } = await flow(count, arrived, { Node: pid });
      return { value: perSecond, lost: 0, duplicated: 0, costs };
    },
  ),
);

/** The messages from the transport's queue to a push service, compared with the usual library and the same HTTP client. */
export const webpush: Scenario = { name: 'webpush', unit: 'messages/s', ours, baseline, goals: [{ atLeast: 1.5 }] };
