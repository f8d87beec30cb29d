import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { type Arrivals, headersOf } from '../arrivals';
import type { Authority } from '../certificates';
import { Faults } from '../faults';
import {
  http2SessionOf,
  rawHeadersOf,
  type Request,
  resetConnection,
  type Response,
  wholeBody,
} from '../http2-requests';
import { errnoOf, maxMessageBytes, maxTtlSeconds, messageFault, type Refusal } from './push-rules';
import { type Received, SimulatedUserAgent, type UserAgent } from './user-agent';
import { VapidVerifier } from './vapid';
import type { WebpushFault } from './webpush-fault';
import { WebpushSubscription } from './webpush-subscription';

export const webpushProvider = 'webpush';

export interface WebpushSandboxOptions {
  readonly host?: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly authority: Authority;
  readonly arrivals: Arrivals;
  /** Concurrent messages on a connection. */
  readonly maxStreams?: number;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
}

/** A subscription as `PushSubscription.toJSON()` has it. */
export interface PushSubscriptionJson {
  readonly endpoint: string;
  readonly expirationTime: null;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** A request to an endpoint, and why it is refused, if it is. */
interface Push {
  readonly token: string;
  readonly subscription: WebpushSubscription | undefined;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly refusal: Refusal | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Stands for a body that is too large to be kept. */
const tooLarge = Buffer.alloc(maxMessageBytes + 1);
const pushPath = /^\/push\/([A-Za-z0-9_-]{1,200})$/;

/**
 * Simulates the push service of browsers (RFC 8030), on one port, over HTTP/2 and 1.1, and a user agent that
 * subscribes there. Unlike most push services it insists on VAPID.
 */
export class WebpushProvider {
  /** Faults of every subscription without its own fault. */
  readonly faults = new Faults<WebpushFault>();
  /** How many connections were opened. */
  connections = 0;
  private readonly vapid: VapidVerifier;
  private readonly subscriptions = new Map<string, WebpushSubscription>();
  private readonly sockets = new Set<Socket>();
  private readonly mute = new WeakSet<object>();

  constructor(
    private readonly server: Http2SecureServer,
    private readonly arrivals: Arrivals,
    private readonly now: () => number,
  ) {
    this.vapid = new VapidVerifier(() => this.url, now);
    server.on('connection', (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    // Clients may disconnect at any time, which is no fault.
    server.on('sessionError', () => undefined);
    server.on('request', (request: Request, response: Response) => void this.take(request, response));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The origin of all endpoints, which is the audience of VAPID tokens. */
  get url(): string {
    return `https://localhost:${this.port}`;
  }

  /** Subscribes a web app in the user agent of the sandbox; the token can be given. */
  subscribe(applicationServerKey?: string, token?: string): PushSubscriptionJson {
    const userAgent = new SimulatedUserAgent();
    const subscription = this.register(userAgent, applicationServerKey, token);
    return { endpoint: this.endpointOf(subscription), expirationTime: null, keys: userAgent.publicKeys };
  }

  /** Creates the subscription of any user agent. */
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

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
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

  /** Why a message is not accepted; undefined if it is. */
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
    const connection = http2SessionOf(request) ?? request.socket;
    const isMute = this.mute.has(connection);
    const fault = isMute ? { hang: true } : (subscription?.faults.take() ?? this.faults.take() ?? {});
    const silence = fault.hang || fault.halfOpen ? 'hang' : fault.reset ? 'reset' : undefined;
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
    if (fault.halfOpen) this.mute.add(connection);
    respond(request, response, answer, fault);
  }

  private created(id: string, ttlSeconds: number): Answer {
    return { status: 201, headers: { location: `${this.url}/messages/${id}`, ttl: String(ttlSeconds) } };
  }
}

/** Starts the simulated push service. Rejects if the port is in use. */
export async function startWebpush(options: WebpushSandboxOptions): Promise<WebpushProvider> {
  const { host = '127.0.0.1', port, authority, arrivals, maxStreams = 100, now = Date.now } = options;
  const settings = { maxConcurrentStreams: maxStreams };
  const server = createSecureServer({ ...authority.server, allowHTTP1: true, settings });
  const provider = new WebpushProvider(server, arrivals, now);
  server.listen(port, host);
  await once(server, 'listening');
  return provider;
}

/** The answer with a fault applied: another status replaces the answer. */
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

function respond(request: Request, response: Response, answer: Answer, fault: WebpushFault): void {
  const send = (): void => {
    if (fault.hang || fault.halfOpen) return;
    if (fault.reset) return resetConnection(request);
    // Both kinds of response have these methods, with different types.
    const http1 = response as ServerResponse;
    http1.writeHead(answer.status, answer.headers);
    if (fault.hangInBody) http1.write(' ');
    else http1.end(answer.body);
    if (fault.goAway) http2SessionOf(request)?.close();
  };
  if (fault.delayMs === undefined) send();
  else setTimeout(send, fault.delayMs).unref();
}

/** Without the token of VAPID, which is a secret while it is valid. */
function withoutToken(value: string, name: string): string {
  return name === 'authorization' ? value.replace(/\bt=[^,\s]*/, 't=…') : value;
}
