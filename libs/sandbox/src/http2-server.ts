import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Authority } from './certificates';
import type { Faults } from './faults';
import { connectionOf, http2SessionOf, type Request, resetConnection, type Response } from './http2-requests';

/** Where a simulated provider listens. */
export interface Http2ServerOptions {
  readonly host?: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly authority: Authority;
  /** The most concurrent requests on a connection. Default: 100. */
  readonly maxStreams?: number;
}

/** The parts of a fault that concern the connection or the sending of an answer. */
interface AnswerFault {
  readonly times?: number | undefined;
  /** Waits for this time before it answers. */
  readonly delayMs?: number | undefined;
  /** Never answers. */
  readonly hang?: boolean | undefined;
  /** Sends the headers and the first byte of its answer, and never the rest. */
  readonly hangInBody?: boolean | undefined;
  /** Stops answering on this connection, as if a firewall had dropped it. */
  readonly halfOpen?: boolean | undefined;
  /** Ends the connection without an answer. */
  readonly reset?: boolean | undefined;
  /** Answers, and accepts no further requests on this connection (GOAWAY). */
  readonly goAway?: boolean | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** How a request without an answer ends; undefined if it gets an answer. */
export function silenceOf({ hang, halfOpen, reset }: AnswerFault): 'hang' | 'reset' | undefined {
  if (hang === true || halfOpen === true) return 'hang';
  return reset === true ? 'reset' : undefined;
}

/** A TLS server for HTTP/2 and HTTP/1.1 that answers with faults on demand. */
export class Http2Server {
  /** How many connections were opened. */
  connections = 0;
  private readonly server: Http2SecureServer;
  private readonly sockets = new Set<Socket>();
  private readonly mute = new WeakSet<object>();

  private readonly hostname: string;

  private constructor({ authority, maxStreams = 100 }: Http2ServerOptions) {
    this.hostname = authority.hostname;
    const settings = { maxConcurrentStreams: maxStreams };
    this.server = createSecureServer({ ...authority.server, allowHTTP1: true, settings });
    this.server.on('connection', (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    // Clients may disconnect at any time. This is not a fault.
    this.server.on('sessionError', () => undefined);
  }

  /** Rejects if the port is in use. Call `onRequest` before a further `await`, during which a request could arrive. */
  static async start(options: Http2ServerOptions): Promise<Http2Server> {
    const server = new Http2Server(options);
    server.server.listen(options.port, options.host ?? '127.0.0.1');
    await once(server.server, 'listening');
    return server;
  }

  /** Sets the listener for requests. */
  onRequest(listener: (request: Request, response: Response) => void): void {
    this.server.on('request', listener);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The origin of the server. */
  get url(): string {
    return `https://${this.hostname}:${this.port}`;
  }

  /** The next fault of the first of `faults` that has a fault. After a `halfOpen` fault, all requests on the connection hang. */
  faultFor<Fault extends AnswerFault>(
    request: Request,
    ...faults: readonly (Faults<Fault> | undefined)[]
  ): Fault | AnswerFault {
    if (this.mute.has(connectionOf(request))) return { hang: true };
    for (const each of faults) {
      const fault = each?.take();
      if (fault !== undefined) return fault;
    }
    return {};
  }

  /** Sends an answer, unless the fault prevents it. */
  respond(request: Request, response: Response, { status, headers, body }: Answer, fault: AnswerFault): void {
    if (fault.halfOpen === true) this.mute.add(connectionOf(request));
    const send = (): void => {
      const silence = silenceOf(fault);
      if (silence === 'hang') return;
      if (silence === 'reset') return resetConnection(request);
      // Both kinds of response have these methods, with different types.
      const http1 = response as ServerResponse;
      http1.writeHead(status, headers);
      if (fault.hangInBody === true) http1.write(body?.slice(0, 1) ?? ' ');
      else http1.end(body);
      if (fault.goAway === true) http2SessionOf(request)?.close();
    };
    if (fault.delayMs === undefined) send();
    else setTimeout(send, fault.delayMs).unref();
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
