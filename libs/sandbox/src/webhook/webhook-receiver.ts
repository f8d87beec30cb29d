import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Arrivals, bodyOf, headersOf, type WireRequest } from '../arrivals';
import type { Fault } from './fault';
import { checkOxSignature, checkStandardWebhook } from './signatures';
import { WebhookBox } from './webhook-box';

export const webhookProvider = 'webhook';

const maxBodyBytes = 1024 * 1024;
const maxBoxes = 10_000;
const path = /^\/webhooks\/([A-Za-z0-9_.-]{1,64})(?:[/?]|$)/;

/**
 * Simulates the endpoints of any number of webhooks: `POST /webhooks/<name>`, also below that path. It uses no router, because
 * benchmarks would measure the router too.
 */
export class WebhookReceiver {
  private readonly boxes = new Map<string, WebhookBox>();

  constructor(
    private readonly arrivals: Arrivals,
    private readonly signatureSecret: string,
  ) {}

  /** The webhook of this name, which is created if it is new. */
  box(name: string): WebhookBox {
    let box = this.boxes.get(name);
    if (box === undefined) {
      box = new WebhookBox(name, this.signatureSecret);
      if (this.boxes.size < maxBoxes) this.boxes.set(name, box);
    }
    return box;
  }

  known(): WebhookBox[] {
    return [...this.boxes.values()];
  }

  /** Handles a request if it is for a webhook; returns whether it was. */
  takes(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== 'POST') return false;
    const name = path.exec(request.url ?? '')?.[1];
    if (name === undefined) return false;
    let body = '';
    let bytes = 0;
    request.setEncoding('latin1');
    request.on('data', (chunk: string) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) body += chunk;
    });
    request.on('end', () => {
      if (bytes > maxBodyBytes) response.writeHead(413).end();
      else this.arrived(this.box(name), request, response, body);
    });
    return true;
  }

  private arrived(box: WebhookBox, message: IncomingMessage, response: ServerResponse, latin1Body: string): void {
    const fault = forSender(box.takeFault(), message.headers.authorization);
    const answer = fault.hang ? 'hang' : fault.reset ? 'reset' : (fault.status ?? 204);
    const isAccepted = typeof answer === 'number' && answer < 300;
    const id = message.headers['webhook-id'];
    const secret = box.signatureSecret;
    const request: WireRequest = { path: message.url ?? '', rawHeaders: message.rawHeaders, latin1Body };
    this.arrivals.add({
      at: Date.now(),
      provider: webhookProvider,
      target: box.name,
      request,
      answer,
      isDuplicate: box.count(typeof id === 'string' ? id : undefined, isAccepted),
      check: () => {
        const headers = headersOf(request);
        const body = bodyOf(request);
        return [checkOxSignature(headers['x-ox-signature'], body, secret), checkStandardWebhook(headers, body, secret)];
      },
    });
    if (fault.delayMs === undefined) answerWith(fault, response);
    else setTimeout(() => answerWith(fault, response), fault.delayMs).unref();
  }
}

/** The fault for a request whose `Authorization` is `given`; it gets the status 401 if the fault requires another value. */
function forSender(fault: Fault, given: string | undefined): Fault {
  return fault.authorization === undefined || fault.authorization === given ? fault : { ...fault, status: 401 };
}

function answerWith(fault: Fault, response: ServerResponse): void {
  if (fault.hang) return;
  if (fault.reset) {
    response.socket?.resetAndDestroy();
    return;
  }
  const bytes = fault.bodyBytes ?? 0;
  const status = fault.status ?? (bytes > 0 || fault.hangInBody ? 200 : 204);
  const length = status === 204 || status === 304 ? {} : { 'content-length': fault.hangInBody ? 1000 : bytes };
  response.writeHead(status, { ...length, ...fault.headers });
  if (fault.hangInBody) response.write('…');
  else if (bytes > 0) sendBytes(response, bytes);
  else response.end();
}

function sendBytes(response: ServerResponse, bytes: number): void {
  const chunk = Buffer.alloc(64 * 1024, 0x2e);
  let left = bytes;
  const send = (): void => {
    while (left > 0 && !response.destroyed) {
      const part = chunk.subarray(0, Math.min(left, chunk.length));
      left -= part.length;
      if (!response.write(part) && left > 0) {
        response.once('drain', send);
        return;
      }
    }
    response.end();
  };
  send();
}
