import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dovecotPath } from './dovecot-settings';

/** A server that forwards Dovecot's requests to the API, and can withhold the answers. */
export class DovecotGate {
  readonly events: string[] = [];
  /** How many of the next answers do not reach Dovecot. */
  lostAnswers = 0;
  private readonly server: Server;

  constructor(private readonly api: () => string) {
    this.server = createServer((request, response) => void this.forward(request, response));
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  private async forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { event } = JSON.parse(body.toString()) as { event: string };
    const isLost = this.lostAnswers > 0;
    if (isLost) this.lostAnswers--;
    const { authorization = '', 'content-type': type = '' } = request.headers;
    const headers = { authorization, 'content-type': type };
    const answer = await fetch(`${this.api()}${dovecotPath}`, { method: 'PUT', headers, body });
    this.events.push(`${event} ${answer.status}`);
    if (isLost) return; // Dovecot repeats the request after its time-out
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
