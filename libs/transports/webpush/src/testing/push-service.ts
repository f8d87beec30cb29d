import { createECDH, createPublicKey, type ECDH, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { makeAuthority } from '@pns/sandbox';
import { decrypt } from 'http_ece';
import { jwtVerify } from 'jose';

/** A message that was accepted, decrypted as its browser does. */
export interface PushArrival {
  readonly headers: IncomingMessage['headers'];
  readonly content: Readonly<Record<string, unknown>>;
}

/** The answer to the next messages instead of the check; undefined: no answer at all. */
export type Answer = ((response: ServerResponse, socket: Socket) => void) | undefined;

/** A browser's subscription, as `toJSON()` gives it. */
export interface BrowserSubscription {
  readonly endpoint: string;
  readonly expirationTime: null;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

interface Browser {
  readonly pair: ECDH;
  readonly auth: Buffer;
  readonly applicationServerKey: string;
}

/** A push service with TLS on loopback that checks each message by RFC 8030, 8188, 8291 and 8292. */
export class PushService {
  readonly arrivals: PushArrival[] = [];
  /** Requests of any kind, also refused ones. */
  requests = 0;
  connections = 0;
  private readonly browsers = new Map<string, Browser>();
  private readonly sockets = new Set<Socket>();
  private answer: Answer | 'check' = 'check';

  private constructor(
    private readonly server: Server,
    readonly origin: string,
    readonly ca: string,
  ) {
    server.on('secureConnection', (socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.receive(request, response));
  }

  static async start(authority: ReturnType<typeof makeAuthority> = makeAuthority()): Promise<PushService> {
    const server = createServer(authority.server).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new PushService(server, `https://localhost:${(server.address() as AddressInfo).port}`, authority.cert);
  }

  /** Subscribes a new browser with a public VAPID key. */
  subscribe(applicationServerKey: string): BrowserSubscription {
    const path = `/push/${randomBytes(12).toString('base64url')}`;
    const pair = createECDH('prime256v1');
    const p256dh = pair.generateKeys('base64url');
    const auth = randomBytes(16);
    this.browsers.set(path, { pair, auth, applicationServerKey });
    const keys = { p256dh, auth: auth.toString('base64url') };
    return { endpoint: this.origin + path, expirationTime: null, keys };
  }

  /** Sets the answer to the next messages; `check` checks them. */
  answers(answer: Answer | 'check'): void {
    this.answer = answer;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.answer === undefined) return;
    if (this.answer !== 'check') return this.answer(response, request.socket);
    const browser = this.browsers.get(request.url ?? '');
    if (browser === undefined) return end(response, 404);
    try {
      this.arrivals.push(await this.checked(request, Buffer.concat(chunks), browser));
      response.setHeader('location', `${this.origin}/message/${this.arrivals.length}`);
      end(response, 201);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      end(response, error.status, error.message);
    }
  }

  private async checked(request: IncomingMessage, body: Buffer, browser: Browser): Promise<PushArrival> {
    const { headers, method } = request;
    must(method === 'POST', 405, 'method');
    must(/^\d{1,9}$/.test(String(headers['ttl'])), 400, 'TTL');
    must(['very-low', 'low', 'normal', 'high'].includes(String(headers['urgency'])), 400, 'Urgency');
    must(headers['topic'] === undefined || /^[A-Za-z0-9_-]{1,32}$/.test(String(headers['topic'])), 400, 'Topic');
    must(headers['content-encoding'] === 'aes128gcm', 415, 'Content-Encoding');
    await this.checkVapid(headers.authorization, browser);
    must(body.length <= 4096, 413, 'body');
    return { headers, content: contentOf(body, browser) };
  }

  private async checkVapid(authorization: string | undefined, { applicationServerKey }: Browser): Promise<void> {
    const [, token, key = ''] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization ?? '') ?? [];
    must(token !== undefined, 401, 'Authorization');
    must(key === applicationServerKey, 403, 'another key than that of the subscription');
    const [x, y] = [Buffer.from(key, 'base64url').subarray(1, 33), Buffer.from(key, 'base64url').subarray(33)];
    const jwk = { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url') };
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    const claims = await jwtVerify(String(token), publicKey, { algorithms: ['ES256'], audience: this.origin }).then(
      ({ payload }) => payload,
      () => undefined,
    );
    must(claims !== undefined, 403, 'the token is not valid');
    must((claims?.exp ?? Infinity) * 1000 <= Date.now() + 24 * 3_600_000, 403, 'exp is more than 24 hours away');
    must(/^(?:mailto:|https:)/.test(claims?.sub ?? ''), 403, 'sub');
  }
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    reason: string,
  ) {
    super(reason);
  }
}

function must(isSo: boolean, status: number, reason: string): void {
  if (!isSo) throw new Refusal(status, reason);
}

function contentOf(body: Buffer, { pair, auth }: Browser): Readonly<Record<string, unknown>> {
  const text = decrypt(body, { version: 'aes128gcm', privateKey: pair, authSecret: auth }).toString();
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}

function end(response: ServerResponse, status: number, body = ''): void {
  response.statusCode = status;
  response.end(body);
}
