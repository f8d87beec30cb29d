import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Arrivals, type Check, headersOf, type WireRequest } from '../arrivals';
import type { Authority } from '../certificates';
import { Faults } from '../faults';
import { MicrosoftAccounts } from './microsoft-accounts';
import { channelLifeMs, WnsChannel, type WnsFault } from './wns-channel';
import { headerFault, maxPayloadBytes, shownOf } from './wns-rules';

export const wnsProvider = 'wns';

interface WnsSandboxOptions {
  readonly host?: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly authority: Authority;
  readonly arrivals: Arrivals;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const maxBodyBytes = 1024 * 1024;

/** Simulates Microsoft: both token endpoints and the channels of devices, on one port, over HTTP/1.1. */
export class WnsProvider {
  readonly accounts: MicrosoftAccounts;
  /** The fault for a push to a channel that has no fault of its own, or that does not exist. */
  readonly faults = new Faults<WnsFault>();
  readonly tokenFaults = new Faults<WnsFault>();
  /** How many connections were opened. */
  connections = 0;
  private readonly channels = new Map<string, WnsChannel>();
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly server: Server,
    private readonly hostname: string,
    private readonly arrivals: Arrivals,
    private readonly now: () => number,
  ) {
    this.accounts = new MicrosoftAccounts(now);
    server.on('connection', (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    server.on('request', (request, response) => void this.take(request, response));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The entry for the option `allowedHosts` of a client. */
  get host(): string {
    return `${this.hostname}:${this.port}`;
  }

  /** The value for the option `tokenEndpoint`, for an app of this tenant or, without a tenant, for an app of Partner Center. */
  tokenUrl(tenantId?: string): string {
    return `https://${this.host}${tenantId === undefined ? '/accesstoken.srf' : `/${tenantId}/oauth2/v2.0/token`}`;
  }

  /** Creates a channel of an app, as a device does. Default token: a random one. */
  openChannel(sid: string, token = `AwYAAAD${randomBytes(48).toString('base64')}`): WnsChannel {
    const channel = new WnsChannel(token, sid, this.now() + channelLifeMs);
    this.channels.set(token, channel);
    return channel;
  }

  uriOf({ token }: WnsChannel): string {
    return `https://${this.host}/w/?token=${encodeURIComponent(token)}`;
  }

  channel(token: string): WnsChannel | undefined {
    return this.channels.get(token);
  }

  /** Deletes the channel; returns whether there was one. */
  closeChannel(token: string): boolean {
    return this.channels.delete(token);
  }

  known(): WnsChannel[] {
    return [...this.channels.values()];
  }

  /** The channels as the page shows them. */
  targets() {
    return this.known().map(({ token, state }) => ({ provider: wnsProvider, target: token, ...state }));
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await bodyOf(request);
      const url = new URL(request.url ?? '', `https://${this.host}`);
      const token = this.accounts.exchange(url.pathname, request.headers['content-type'], body.toString());
      if (token === undefined) return this.push(url, request, response, body);
      const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      const granted = { ...token, headers, body: JSON.stringify(token.body) };
      const fault = this.tokenFaults.take() ?? {};
      const answer = request.method === 'POST' ? granted : { status: 405, headers: {} };
      respond(request, response, onDemand(answer, fault), fault);
    } catch {
      // The client cancelled the request and expects no answer.
    }
  }

  private push(url: URL, message: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const token = url.searchParams.get('token') ?? '';
    const request: WireRequest = {
      path: message.url ?? '',
      rawHeaders: withoutAccessToken(message.rawHeaders),
      latin1Body: body.toString('latin1'),
    };
    const headers = headersOf({ ...request, rawHeaders: message.rawHeaders });
    const channel = url.pathname === '/w/' || url.pathname === '/' ? this.channels.get(token) : undefined;
    const fault = channel?.faults.take() ?? this.faults.take() ?? {};
    const answer = onDemand(this.judged(message.method, channel, headers, body.length), fault);
    const silence = fault.hang ? 'hang' : fault.reset ? 'reset' : undefined;
    const isAccepted =
      silence === undefined && answer.status === 200 && (answer.headers['x-wns-status'] ?? 'received') === 'received';
    this.arrivals.add({
      at: this.now(),
      provider: wnsProvider,
      target: token,
      request,
      answer: silence ?? answer.status,
      isDuplicate: channel?.count(headers['x-wns-tag'], request.latin1Body, isAccepted) ?? false,
      check: () => [payloadCheck(headers['x-wns-type'], body.toString())],
    });
    respond(message, response, answer, fault);
  }

  /** The answer of WNS to a push, by its published rules. */
  private judged(
    method: string | undefined,
    channel: WnsChannel | undefined,
    headers: Readonly<Record<string, string>>,
    bytes: number,
  ): Answer {
    const isStatusWanted = headers['x-wns-requestforstatus'] === 'true';
    const answer = (status: number, done: string, device: string, description?: string): Answer => ({
      status,
      headers: {
        'content-length': '0',
        'x-wns-msg-id': randomBytes(8).toString('hex').toUpperCase(),
        'x-wns-debug-trace': 'SANDBOX0001',
        'ms-cv': `${randomBytes(16).toString('base64').slice(0, 22)}.0`,
        'x-wns-status': done,
        ...(isStatusWanted && { 'x-wns-deviceconnectionstatus': device }),
        ...(description !== undefined && { 'x-wns-error-description': description }),
      },
    });
    const refused = (status: number, description: string): Answer =>
      answer(status, 'dropped', channel?.device === 'disconnected' ? 'disconnected' : 'connected', description);

    if (method !== 'POST') return refused(405, 'The method is not POST');
    if (channel === undefined) return refused(404, 'The channel URI is not valid or not recognized');
    const accessToken = /^Bearer (\S+)$/.exec(headers['authorization'] ?? '')?.[1];
    const sid = accessToken === undefined ? undefined : this.accounts.appOf(accessToken);
    if (sid === undefined) return refused(401, 'The access token is missing, unknown or expired');
    if (sid !== channel.sid) return refused(403, 'The access token is not for the app of this channel');
    if (channel.expiresAt <= this.now()) return refused(410, 'The channel expired');
    const fault = headerFault(headers);
    if (fault !== undefined) return refused(400, fault);
    if (bytes > maxPayloadBytes) return refused(413, `The payload has more than ${maxPayloadBytes} bytes`);
    if (channel.device === 'refusing') return answer(200, 'dropped', 'connected');
    if (channel.device === 'connected') return answer(200, 'received', 'connected');
    const isKept = (headers['x-wns-cache-policy'] ?? usualPolicy(headers['x-wns-type'])) === 'cache';
    return isKept
      ? answer(200, 'received', 'disconnected')
      : answer(200, 'dropped', 'disconnected', 'Device is offline and X-WNS-Cache-Policy is no-cache');
  }
}

/** Starts the simulated Microsoft. Rejects if the port is in use. */
export async function startWns(options: WnsSandboxOptions): Promise<WnsProvider> {
  const { host = '127.0.0.1', port, authority, arrivals, now = Date.now } = options;
  const server = createServer({ ...authority.server, keepAliveTimeout: 75_000 });
  const provider = new WnsProvider(server, authority.hostname, arrivals, now);
  server.listen(port, host);
  await once(server, 'listening');
  return provider;
}

function usualPolicy(type: string | undefined): string {
  return type === 'wns/raw' ? 'no-cache' : 'cache';
}

function payloadCheck(type: string | undefined, payload: string): Check {
  try {
    shownOf(type, payload);
    return { name: 'payload', verdict: 'valid' };
  } catch (error) {
    return { name: 'payload', verdict: 'invalid', reason: (error as Error).message };
  }
}

/** The answer with a fault applied. If the fault has a status, the headers of `answer` are dropped. */
function onDemand(answer: Answer, { status, headers = {} }: WnsFault): Answer {
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return status === undefined ? { ...answer, headers: { ...answer.headers, ...own } } : { status, headers: own };
}

function respond(request: IncomingMessage, response: ServerResponse, answer: Answer, fault: WnsFault): void {
  const send = (): void => {
    if (fault.hang) return;
    if (fault.reset) return void request.socket.destroy();
    const length = fault.hangInBody ? { 'content-length': '1000' } : {};
    response.writeHead(answer.status, { ...answer.headers, ...length });
    if (fault.hangInBody) response.write(' ');
    else response.end(answer.body);
  };
  if (fault.delayMs === undefined) send();
  else setTimeout(send, fault.delayMs).unref();
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The headers without the access token, which is a secret. */
function withoutAccessToken(rawHeaders: readonly string[]): string[] {
  return rawHeaders.map((text, index) =>
    index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization' ? 'Bearer …' : text,
  );
}
