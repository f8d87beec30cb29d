import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { OutsideBrowser, reports } from './outside-browser';
import type { WebpushProvider } from './webpush-provider';

/** The path of the Web Socket, for `dom.push.serverURL` of Firefox. */
export const browserSocketPath = '/webpush/socket';

const protocolName = 'push-notification';
const maxFrameBytes = 64 * 1024;
const maxBrowsers = 10_000;
const protocolError = 1002;

const channelID = z.guid();
/** The messages of a browser. Fields that the sandbox does not need are ignored. */
const incoming = z.discriminatedUnion('messageType', [
  z.object({ messageType: z.literal('hello'), use_webpush: z.literal(true), uaid: z.string().optional() }),
  z.object({
    messageType: z.literal('register'),
    channelID,
    key: z
      .string()
      .regex(/^[A-Za-z0-9_-]{87}=?$/)
      .optional(),
  }),
  z.object({ messageType: z.literal('unregister'), channelID }),
  z.object({
    messageType: z.literal('ack'),
    updates: z.array(z.object({ channelID, version: z.string(), code: z.int().default(100) })),
  }),
  z.object({ messageType: z.literal('nack') }),
  z.object({ messageType: z.literal('broadcast_subscribe') }),
]);
type Incoming = z.infer<typeof incoming>;

/**
 * Implements the push protocol of Mozilla over Web Sockets, so that a real Firefox uses the sandbox as its push service.
 * Source: https://mozilla-push-service.readthedocs.io/en/latest/design/
 */
export class BrowserSockets {
  private readonly browsers = new Map<string, OutsideBrowser>();
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    handleProtocols: (offered) => offered.has(protocolName) && protocolName,
  });

  constructor(
    private readonly provider: WebpushProvider,
    private readonly now: () => number = Date.now,
  ) {
    this.server.on('connection', (socket: WebSocket) => this.converse(socket));
  }

  /** Accepts Web Sockets at `browserSocketPath`, and refuses Web Sockets at other paths. */
  attach(server: Server): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (request.url?.split('?')[0] !== browserSocketPath) {
        socket.on('error', () => undefined); // the client may be gone
        socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
        return;
      }
      this.server.handleUpgrade(request, socket, head, (accepted) => this.server.emit('connection', accepted, request));
    });
  }

  known(): OutsideBrowser[] {
    return [...this.browsers.values()];
  }

  close(): void {
    for (const socket of this.server.clients) socket.terminate();
    this.server.close();
  }

  private converse(socket: WebSocket): void {
    const send = (message: object): void => socket.send(JSON.stringify(message));
    let browser: OutsideBrowser | undefined;
    socket.on('error', () => undefined); // needs no handling, because the connection is closed afterwards
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text === '{}') return send({});
      const message = parsed(text);
      if (message === undefined) return socket.close(protocolError);
      if (message.messageType === 'hello') {
        if (browser !== undefined) return socket.close(protocolError);
        browser = this.greeted(message.uaid);
        if (browser === undefined) return send({ messageType: 'hello', status: 503 });
        send({ messageType: 'hello', status: 200, uaid: browser.uaid, use_webpush: true, broadcasts: {} });
        socket.once('close', browser.connected(send));
      } else if (browser === undefined) socket.close(protocolError);
      else this.obey(browser, message, send);
    });
  }

  /** The browser with this id, or a new browser; undefined if there are too many browsers. */
  private greeted(uaid: string | undefined): OutsideBrowser | undefined {
    const known = uaid === undefined ? undefined : this.browsers.get(uaid);
    if (known !== undefined) return known;
    if (this.browsers.size >= maxBrowsers) return undefined;
    const added = new OutsideBrowser(randomBytes(16).toString('hex'), this.now);
    this.browsers.set(added.uaid, added);
    return added;
  }

  private obey(
    browser: OutsideBrowser,
    message: Exclude<Incoming, { messageType: 'hello' }>,
    send: (message: object) => void,
  ): void {
    const { messageType } = message;
    if (messageType === 'register') {
      const pushEndpoint = this.endpoint(browser, message.channelID, message.key?.replace('=', ''));
      send({ messageType, channelID: message.channelID, status: 200, pushEndpoint });
    } else if (messageType === 'unregister') {
      browser.unregister(message.channelID);
      send({ messageType, channelID: message.channelID, status: 200 });
    } else if (messageType === 'ack') {
      for (const { version, code } of message.updates) {
        browser.acknowledge(version, reports.get(code) ?? 'notDelivered');
      }
    }
  }

  /** The endpoint of a channel. A browser that missed the answer registers the channel again and gets the same endpoint. */
  private endpoint(browser: OutsideBrowser, channelID: string, key: string | undefined): string {
    const subscription = browser.channels.get(channelID) ?? this.provider.register(browser.channel(channelID), key);
    browser.channels.set(channelID, subscription);
    return this.provider.endpointOf(subscription);
  }
}

function parsed(text: string): Incoming | undefined {
  try {
    return incoming.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
