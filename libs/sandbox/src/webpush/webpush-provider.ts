import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { type Arrivals, headersOf } from '../arrivals';
import { Faults } from '../faults';
import { rawHeadersOf, type Request, type Response, wholeBody } from '../http2-requests';
import { type Answer, Http2Server, type Http2ServerOptions, silenceOf } from '../http2-server';
import { errnoOf, maxMessageBytes, maxTtlSeconds, messageFault, type Refusal } from './push-rules';
import { type Received, SimulatedUserAgent, type UserAgent } from './user-agent';
import { VapidVerifier } from './vapid';
import type { WebpushFault } from './webpush-fault';
import { WebpushSubscription } from './webpush-subscription';

export const webpushProvider = 'webpush';

interface WebpushSandboxOptions extends Http2ServerOptions {
  readonly arrivals: Arrivals;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
}

/** A subscription in the form of `PushSubscription.toJSON()`. */
export interface PushSubscriptionJson {
  readonly endpoint: string;
  readonly expirationTime: null;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** A request to an endpoint; with a `refusal` if the push service refuses it. */
interface Push {
  readonly token: string;
  readonly subscription: WebpushSubscription | undefined;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly refusal: Refusal | undefined;
}

/** Replaces a body that is too large to be kept. */
const tooLarge = Buffer.alloc(maxMessageBytes + 1);
const pushPath = /^\/push\/([A-Za-z0-9_-]{1,200})$/;

/**
 * Simulates the push service of browsers (RFC 8030), on one port, over HTTP/2 and 1.1, and user agents that subscribe there.
 * Unlike most push services it requires VAPID.
 */
export class WebpushProvider {
  /** Faults of every subscription without its own fault. */
  readonly faults = new Faults<WebpushFault>();
  private readonly vapid: VapidVerifier;
  private readonly subscriptions = new Map<string, WebpushSubscription>();

  constructor(
    private readonly server: Http2Server,
    private readonly arrivals: Arrivals,
    private readonly now: () => number,
  ) {
    this.vapid = new VapidVerifier(() => this.url, now);
    server.onRequest((request, response) => void this.take(request, response));
  }

  /** How many connections were opened. */
  get connections(): number {
    return this.server.connections;
  }

  /** The origin of all endpoints, which is the audience of VAPID tokens. */
  get url(): string {
    return this.server.url;
  }

  /** Subscribes a web app in a new user agent of the sandbox. Default token: a random one. */
  subscribe(applicationServerKey?: string, token?: string): PushSubscriptionJson {
    const userAgent = new SimulatedUserAgent();
    const subscription = this.register(userAgent, applicationServerKey, token);
    return { endpoint: this.endpointOf(subscription), expirationTime: null, keys: userAgent.publicKeys };
  }

  /** Creates a subscription for any user agent. */
  register(
    userAgent: UserAgent,
    applicationServerKey?: string,
    token = randomBytes(32).toString('base64url'),
  ): WebpushSubscription {
    const subscription = new WebpushSubscription(token, userAgent, applicationServerKey);
    this.subscriptions.set(token, subscription);
    return subscription;
  }

  endpointOf({ token }: WebpushSubscription): string {
    return `${this.url}/push/${token}`;
  }

  subscription(token: string): WebpushSubscription | undefined {
    return this.subscriptions.get(token);
  }

  known(): WebpushSubscription[] {
    return [...this.subscriptions.values()];
  }

  /** The subscriptions as the page shows them. */
  targets() {
    return this.known().map(({ token, state }) => ({ provider: webpushProvider, target: token, ...state }));
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private async take(request: Request, response: Response): Promise<void> {
    try {
      const body = (await wholeBody(request)) ?? tooLarge;
      const token = pushPath.exec(request.url ?? '')?.[1] ?? '';
      const subscription = this.subscriptions.get(token);
      const headers = headersOf({ path: '', latin1Body: '', rawHeaders: request.rawHeaders });
      const refusal = await this.refusal(request.method, subscription, headers, body);
      this.push(request, response, { token, subscription, headers, body, refusal });
    } catch {
      // The client cancelled the request and expects no answer.
    }
  }

  /** Why a message is not accepted; undefined if it is accepted. */
  private async refusal(
    method: string | undefined,
    subscription: WebpushSubscription | undefined,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
  ): Promise<Refusal | undefined> {
    const refused = (status: number, message: string): Refusal => ({ status, errno: errnoOf(status), message });
    if (method !== 'POST') return refused(405, 'The method is not POST');
    if (subscription === undefined) return refused(404, 'The endpoint is unknown');
    if (subscription.isEnded) return refused(410, 'The subscription ended');
    const unidentified = await this.vapid.refusal(headers['authorization'], subscription.applicationServerKey);
    if (unidentified !== undefined) return refused(unidentified.status, unidentified.reason);
    return messageFault(headers, body);
  }

  private push(request: Request, response: Response, push: Push): void {
    const { token, subscription, headers, body, refusal } = push;
    const fault: WebpushFault = this.server.faultFor(request, subscription?.faults, this.faults);
    const silence = silenceOf(fault);
    const id = randomBytes(16).toString('base64url');
    const ttlSeconds = Math.min(Number(headers['ttl']), maxTtlSeconds);
    const answer = onDemand(refusal === undefined ? this.created(id, ttlSeconds) : refusedBy(refusal), fault);
    const isAccepted = silence === undefined && refusal === undefined && answer.status < 300;
    const { topic } = headers;
    const message = { id, body, expiresAt: this.now() + ttlSeconds * 1000, ...(topic !== undefined && { topic }) };
    const received: Received = (isAccepted && subscription?.userAgent.receive(message)) || { checks: [] };
    this.arrivals.add({
      at: this.now(),
      provider: webpushProvider,
      target: token,
      request: {
        path: request.url ?? '',
        rawHeaders: rawHeadersOf(request, withoutToken),
        latin1Body: body.toString('latin1'),
      },
      ...(received.text !== undefined && { decryptedBody: received.text }),
      answer: silence ?? answer.status,
      isDuplicate: subscription?.count(received.text, isAccepted) ?? false,
      check: () => received.checks,
    });
    this.server.respond(request, response, answer, fault);
  }

  private created(id: string, ttlSeconds: number): Answer {
    return { status: 201, headers: { location: `${this.url}/messages/${id}`, ttl: String(ttlSeconds) } };
  }
}

/** Starts the simulated push service. Rejects if the port is in use. */
export async function startWebpush(options: WebpushSandboxOptions): Promise<WebpushProvider> {
  const { arrivals, now = Date.now, ...ofServer } = options;
  return new WebpushProvider(await Http2Server.start(ofServer), arrivals, now);
}

/** The answer with a fault applied. If the fault has a status, an error with this status replaces the answer. */
function onDemand(answer: Answer, { status, headers = {} }: WebpushFault): Answer {
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const wanted =
    status === undefined ? answer : refusedBy({ status, errno: errnoOf(status), message: 'A fault on demand' });
  return { ...wanted, headers: { ...wanted.headers, ...own } };
}

function refusedBy({ status, errno, message }: Refusal): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...(status === 401 && { 'www-authenticate': 'vapid' }) },
    body: JSON.stringify({ code: status, errno, error: STATUS_CODES[status] ?? '', message }),
  };
}

/** The value of a header, without the VAPID token, which is a secret while it is valid. */
function withoutToken(value: string, name: string): string {
  return name === 'authorization' ? value.replace(/\bt=[^,\s]*/, 't=…') : value;
}
