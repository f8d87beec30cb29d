import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Arrivals } from '../arrivals';
import type { Authority } from '../certificates';
import { Faults } from '../faults';
import type { FcmFault } from './fcm-fault';
import { GoogleAccounts } from './google-accounts';
import { errorsOnDemand, type GoogleAnswer, permissionDenied, unauthenticated } from './google-errors';
import { type AcceptedMessage, judgedMessage } from './message-rules';

export const fcmProvider = 'fcm';

export interface FcmSandboxOptions {
  readonly host?: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly authority: Authority;
  readonly arrivals: Arrivals;
  /** Concurrent messages on a connection. Default: Google's limit. */
  readonly maxStreams?: number;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
}

/** A phone and its registration with FCM. */
export class FcmDevice {
  total = 0;
  accepted = 0;
  duplicates = 0;
  /** Arrivals up to this one are hidden. */
  clearedSeq = 0;
  /** Whether the app is still on it. */
  isRegistered = true;
  /** The only project that may send to it; any project if absent. */
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

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

const maxBodyBytes = 1024 * 1024;
const maxDevices = 100_000;
const maxIds = 250_000;
const sendPath = /^\/v1\/projects\/([^/]+)\/messages:send(?:\?|$)/;

/** Simulates Google: the token endpoint and FCM's HTTP v1 API, on one port, over HTTP/2 and 1.1. */
export class FcmProvider {
  readonly accounts: GoogleAccounts;
  /** Faults of every device without its own fault. */
  readonly faults = new Faults<FcmFault>();
  readonly tokenFaults = new Faults<FcmFault>();
  /** How many connections were opened. */
  connections = 0;
  /** The most concurrent messages on one connection. */
  mostStreams = 0;
  private readonly devices = new Map<string, FcmDevice>();
  private readonly ids = new Set<string>();
  private readonly sockets = new Set<Socket>();
  private readonly underWay = new WeakMap<object, number>();
  private readonly mute = new WeakSet<object>();
  private messages = 0;

  constructor(
    private readonly server: Http2SecureServer,
    private readonly arrivals: Arrivals,
    private readonly now: () => number,
  ) {
    this.accounts = new GoogleAccounts(now);
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

  /** The value for `endpoint`. */
  get url(): string {
    return `https://localhost:${this.port}`;
  }

  /** The value for `tokenEndpoint`. */
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

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async take(request: Request, response: Response): Promise<void> {
    const session = sessionOf(request);
    this.count(session, response);
    try {
      const body = await bodyOf(request);
      if (body === undefined) return answer(response, notFound(413));
      if (request.method !== 'POST') return answer(response, notFound(404));
      if (request.url === '/token') return await this.token(request, response, body.toString());
      const project = sendPath.exec(request.url ?? '')?.[1];
      if (project === undefined) return answer(response, notFound(404));
      this.message(decodeURIComponent(project), request, response, body);
    } catch {
      // The client cancelled the request and expects no answer.
    }
  }

  private count(session: object, response: Response): void {
    const open = (this.underWay.get(session) ?? 0) + 1;
    this.underWay.set(session, open);
    this.mostStreams = Math.max(this.mostStreams, open);
    response.on('close', () => this.underWay.set(session, (this.underWay.get(session) ?? 1) - 1));
  }

  private async token(request: Request, response: Response, form: string): Promise<void> {
    const fault = this.tokenFaults.take() ?? {};
    const granted = onDemand(fault) ?? (await this.accounts.exchange(request.headers['content-type'], form));
    this.respond(request, response, granted, fault);
  }

  private message(project: string, request: Request, response: Response, body: Buffer): void {
    const session = sessionOf(request);
    const judged = this.refusal(project, request) ?? judgedMessage(body);
    const device = this.device('token' in judged ? judged.token : tokenIn(body));
    const fault = this.mute.has(session) ? { hang: true } : (device.faults.take() ?? this.faults.take() ?? {});
    const verdict = this.verdict(judged, device, project, fault);
    const silence = fault.hang || fault.halfOpen ? 'hang' : fault.reset ? 'reset' : undefined;
    const isAccepted = silence === undefined && verdict.status === 200;
    this.arrivals.add({
      at: this.now(),
      provider: fcmProvider,
      target: device.token,
      request: { path: request.url ?? '', rawHeaders: rawHeadersOf(request), latin1Body: body.toString('latin1') },
      answer: silence ?? verdict.status,
      isDuplicate: this.countMessage(device, 'token' in judged ? judged.data['pns_id'] : undefined, isAccepted),
      check: () => [],
    });
    if (fault.halfOpen) this.mute.add(session);
    this.respond(request, response, verdict, fault);
  }

  /** Why the sender has no permission to send. */
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

  private respond(request: Request, response: Response, verdict: GoogleAnswer, fault: FcmFault): void {
    const respond = (): void => this.respondNow(request, response, verdict, fault);
    if (fault.delayMs === undefined) respond();
    else setTimeout(respond, fault.delayMs).unref();
  }

  private respondNow(request: Request, response: Response, verdict: GoogleAnswer, fault: FcmFault): void {
    const session = http2SessionOf(request);
    if (fault.hang || fault.halfOpen) return;
    if (fault.reset) {
      if (session === undefined) request.socket.destroy();
      else session.destroy();
      return;
    }
    answer(response, verdict, fault.hangInBody);
    if (fault.goAway) session?.close();
  }
}

/** Starts the simulated Google. Rejects if the port is in use. */
export async function startFcm(options: FcmSandboxOptions): Promise<FcmProvider> {
  const { host = '127.0.0.1', port, authority, arrivals, maxStreams = 100, now = Date.now } = options;
  const settings = { maxConcurrentStreams: maxStreams };
  const server = createSecureServer({ ...authority.server, allowHTTP1: true, settings });
  const provider = new FcmProvider(server, arrivals, now);
  server.listen(port, host);
  await once(server, 'listening');
  return provider;
}

function answer(response: Response, { status, headers, body }: GoogleAnswer, isCutOff = false): void {
  const isPage = typeof body === 'string';
  const text = isPage ? body : JSON.stringify(body);
  const type = isPage ? 'text/html; charset=UTF-8' : 'application/json; charset=UTF-8';
  // Both kinds of response have this method, with different types.
  (response as ServerResponse).writeHead(status, { 'content-type': type, ...headers });
  if (isCutOff) (response as ServerResponse).write(text.slice(0, 1));
  else response.end(text);
}

/** The answer that a fault asks for. */
function onDemand({ error, status, headers }: FcmFault): GoogleAnswer | undefined {
  if (error !== undefined) return { ...errorsOnDemand[error], headers: { ...headers } };
  return status === undefined ? undefined : { ...notFound(status), headers: { ...headers } };
}

function notFound(status: number): GoogleAnswer {
  return { status, body: `<!DOCTYPE html>\n<title>Error ${status}</title>\n<p>That is an error.</p>\n` };
}

async function bodyOf(request: Request): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  return bytes > maxBodyBytes ? undefined : Buffer.concat(chunks);
}

/** The target of a message that is not validated. */
function tokenIn(body: Buffer): string {
  try {
    const token = (JSON.parse(body.toString()) as { message?: { token?: unknown } } | null)?.message?.token;
    return typeof token === 'string' ? token.slice(0, 4096) : '';
  } catch {
    return '';
  }
}

function http2SessionOf(request: Request): ServerHttp2Session | undefined {
  return 'stream' in request ? (request.stream.session as ServerHttp2Session | undefined) : undefined;
}

/** The state of one connection. */
function sessionOf(request: Request): object {
  return http2SessionOf(request) ?? request.socket;
}

/** Without the access token, which is a secret. */
function rawHeadersOf({ rawHeaders }: Request): string[] {
  const shown: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    shown.push(name, name.toLowerCase() === 'authorization' ? 'Bearer …' : (rawHeaders[i + 1] ?? ''));
  }
  return shown;
}
