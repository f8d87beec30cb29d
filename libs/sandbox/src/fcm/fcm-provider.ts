import type { Arrivals } from '../arrivals';
import { Faults } from '../faults';
import { connectionOf, rawHeadersOf, type Request, type Response, wholeBody } from '../http2-requests';
import { type Answer, Http2Server, type Http2ServerOptions, silenceOf } from '../http2-server';
import type { FcmFault } from './fcm-fault';
import { GoogleAccounts } from './google-accounts';
import { errorsOnDemand, type GoogleAnswer, permissionDenied, unauthenticated } from './google-errors';
import { type AcceptedMessage, judgedMessage } from './message-rules';

export const fcmProvider = 'fcm';

interface FcmSandboxOptions extends Http2ServerOptions {
  readonly arrivals: Arrivals;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
}

/** A phone and its registration with FCM. */
export class FcmDevice {
  total = 0;
  accepted = 0;
  duplicates = 0;
  /** Arrivals whose `seq` is not greater than this number were cleared, and are not shown. */
  clearedSeq = 0;
  /** Whether the app is still installed on the phone. */
  isRegistered = true;
  /** The only project that may send to the phone; if absent, any project may send. */
  project: string | undefined;
  readonly faults = new Faults<FcmFault>();

  constructor(readonly token: string) {}

  get state() {
    const { total, accepted, duplicates, isRegistered } = this;
    return { total, accepted, duplicates, isRegistered, fault: this.faults.current };
  }

  clear(seq: number): void {
    this.clearedSeq = seq;
    this.total = this.accepted = this.duplicates = 0;
  }
}

const maxDevices = 100_000;
const maxIds = 250_000;
const sendPath = /^\/v1\/projects\/([^/]+)\/messages:send(?:\?|$)/;

/** Simulates Google: the token endpoint and FCM's HTTP v1 API, on one port, over HTTP/2 and 1.1. */
export class FcmProvider {
  readonly accounts: GoogleAccounts;
  /** Faults of every device without its own fault. */
  readonly faults = new Faults<FcmFault>();
  readonly tokenFaults = new Faults<FcmFault>();
  /** The highest number of concurrent messages on one connection so far. */
  mostStreams = 0;
  private readonly devices = new Map<string, FcmDevice>();
  private readonly ids = new Set<string>();
  private readonly underWay = new WeakMap<object, number>();
  private messages = 0;

  constructor(
    private readonly server: Http2Server,
    private readonly arrivals: Arrivals,
    private readonly now: () => number,
  ) {
    this.accounts = new GoogleAccounts(now);
    server.onRequest((request, response) => void this.take(request, response));
  }

  /** How many connections were opened. */
  get connections(): number {
    return this.server.connections;
  }

  get port(): number {
    return this.server.port;
  }

  /** The value for the option `endpoint` of a client. */
  get url(): string {
    return this.server.url;
  }

  /** The value for the option `tokenEndpoint` of a client. */
  get tokenUrl(): string {
    return `${this.url}/token`;
  }

  /** The device with this token, which is created if it is new. */
  device(token: string): FcmDevice {
    let device = this.devices.get(token);
    if (device === undefined) {
      device = new FcmDevice(token);
      if (this.devices.size < maxDevices) this.devices.set(token, device);
    }
    return device;
  }

  known(): FcmDevice[] {
    return [...this.devices.values()];
  }

  /** The devices as the page shows them. */
  targets() {
    return this.known().map(({ token, state }) => ({ provider: fcmProvider, target: token, ...state }));
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private async take(request: Request, response: Response): Promise<void> {
    this.count(connectionOf(request), response);
    try {
      const body = await wholeBody(request);
      if (body === undefined) return this.respond(request, response, notFound(413));
      if (request.method !== 'POST') return this.respond(request, response, notFound(404));
      if (request.url === '/token') return await this.token(request, response, body.toString());
      const project = sendPath.exec(request.url ?? '')?.[1];
      if (project === undefined) return this.respond(request, response, notFound(404));
      this.message(decodeURIComponent(project), request, response, body);
    } catch {
      // The client cancelled the request and expects no answer.
    }
  }

  private count(connection: object, response: Response): void {
    const open = (this.underWay.get(connection) ?? 0) + 1;
    this.underWay.set(connection, open);
    this.mostStreams = Math.max(this.mostStreams, open);
    response.on('close', () => this.underWay.set(connection, (this.underWay.get(connection) ?? 1) - 1));
  }

  private async token(request: Request, response: Response, form: string): Promise<void> {
    const fault = this.tokenFaults.take() ?? {};
    const granted = onDemand(fault) ?? (await this.accounts.exchange(request.headers['content-type'], form));
    this.respond(request, response, granted, fault);
  }

  private message(project: string, request: Request, response: Response, body: Buffer): void {
    const judged = this.refusal(project, request) ?? judgedMessage(body);
    const device = this.device('token' in judged ? judged.token : tokenIn(body));
    const fault: FcmFault = this.server.faultFor(request, device.faults, this.faults);
    const verdict = this.verdict(judged, device, project, fault);
    const silence = silenceOf(fault);
    const isAccepted = silence === undefined && verdict.status === 200;
    this.arrivals.add({
      at: this.now(),
      provider: fcmProvider,
      target: device.token,
      request: {
        path: request.url ?? '',
        rawHeaders: rawHeadersOf(request, withoutAccessToken),
        latin1Body: body.toString('latin1'),
      },
      answer: silence ?? verdict.status,
      isDuplicate: this.countMessage(device, 'token' in judged ? judged.data['pns_id'] : undefined, isAccepted),
      check: () => [],
    });
    this.respond(request, response, verdict, fault);
  }

  /** The answer to a sender that must not send; undefined if the sender may send. */
  private refusal(project: string, { headers }: Request): GoogleAnswer | undefined {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) return unauthenticated('CREDENTIALS_MISSING');
    const grant = this.accounts.grantOf(token);
    if (grant === undefined) return unauthenticated('ACCESS_TOKEN_EXPIRED');
    if (!grant.scopes.some((scope) => ['firebase.messaging', 'cloud-platform'].includes(scope))) {
      const message = 'Request had insufficient authentication scopes.';
      return permissionDenied(message, 'ACCESS_TOKEN_SCOPE_INSUFFICIENT');
    }
    if (grant.project === project) return undefined;
    const message = `Permission 'cloudmessaging.messages.create' denied on resource '//cloudresourcemanager.googleapis.com/projects/${project}' (or it may not exist).`;
    return permissionDenied(message, 'IAM_PERMISSION_DENIED');
  }

  private verdict(
    judged: AcceptedMessage | GoogleAnswer,
    device: FcmDevice,
    project: string,
    fault: FcmFault,
  ): GoogleAnswer {
    const demanded = onDemand(fault);
    if (demanded !== undefined) return demanded;
    if ('status' in judged) return judged;
    if (!device.isRegistered) return errorsOnDemand.UNREGISTERED;
    if (device.project !== undefined && device.project !== project) return errorsOnDemand.SENDER_ID_MISMATCH;
    return { status: 200, body: { name: `projects/${project}/messages/0:${this.now()}%${++this.messages}` } };
  }

  private countMessage(device: FcmDevice, id: string | undefined, isAccepted: boolean): boolean {
    device.total++;
    const key = `${device.token} ${id}`;
    const isDuplicate = id !== undefined && this.ids.has(key);
    if (isDuplicate) device.duplicates++;
    else if (isAccepted) {
      device.accepted++;
      if (this.ids.size >= maxIds) this.ids.clear();
      this.ids.add(key);
    }
    return isDuplicate;
  }

  private respond(request: Request, response: Response, verdict: GoogleAnswer, fault: FcmFault = {}): void {
    this.server.respond(request, response, onTheWire(verdict), fault);
  }
}

/** Starts the simulated Google. Rejects if the port is in use. */
export async function startFcm({ arrivals, now = Date.now, ...options }: FcmSandboxOptions): Promise<FcmProvider> {
  return new FcmProvider(await Http2Server.start(options), arrivals, now);
}

function onTheWire({ status, headers, body }: GoogleAnswer): Answer {
  const isPage = typeof body === 'string';
  const type = isPage ? 'text/html; charset=UTF-8' : 'application/json; charset=UTF-8';
  return { status, headers: { 'content-type': type, ...headers }, body: isPage ? body : JSON.stringify(body) };
}

/** The answer that a fault demands; undefined if the fault demands no answer. */
function onDemand({ error, status, headers }: FcmFault): GoogleAnswer | undefined {
  if (error !== undefined) return { ...errorsOnDemand[error], headers: { ...headers } };
  return status === undefined ? undefined : { ...notFound(status), headers: { ...headers } };
}

function notFound(status: number): GoogleAnswer {
  return { status, body: `<!DOCTYPE html>\n<title>Error ${status}</title>\n<p>That is an error.</p>\n` };
}

/** The token in a message that was not validated; '' if the message has no token. */
function tokenIn(body: Buffer): string {
  try {
    const token = (JSON.parse(body.toString()) as { message?: { token?: unknown } } | null)?.message?.token;
    return typeof token === 'string' ? token.slice(0, 4096) : '';
  } catch {
    return '';
  }
}

/** The value of a header, without the access token, which is a secret. */
function withoutAccessToken(value: string, name: string): string {
  return name === 'authorization' ? 'Bearer …' : value;
}
