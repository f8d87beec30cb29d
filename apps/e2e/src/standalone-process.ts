import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '@pns/local-servers/waiting';
import type { WebhookArrivalsView } from '@pns/sandbox';
import { openSocket, type Generation, type Listener } from './sockets';

const root = join(__dirname, '..', '..', '..');
/** Variables that make each server listen on a free port. */
export const freePorts = { PNS_API_PORT: '0', PNS_WEBSOCKET_PORT: '0', PNS_SANDBOX_PORT: '0' };

interface DeliveryView {
  readonly transport: string;
  readonly outcome: string;
  readonly attempts: readonly unknown[];
}

const unfinished = new Set(['waiting', 'retry', 'deferred', 'moved']);

/** A process of `npm start`, which uses the finished build. */
export class Standalone {
  readonly child: ChildProcess;
  output = '';

  constructor(dataDir: string, env: Record<string, string> = freePorts) {
    this.child = spawn(process.execPath, [join(root, 'apps', 'standalone', 'dist', 'main.js')], {
      cwd: root,
      env: { PATH: process.env['PATH'] ?? '', PNS_DATA_DIR: dataDir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
  }

  /**
   * Resolves when the process has printed how to stop it, which is the last line of its start.
   *
   * @throws Error with its output if it has ended, before the call or after, or prints nothing new for a minute.
   */
  async isRunning(): Promise<void> {
    while (!this.output.includes('Ctrl-C')) {
      if (this.hasEnded) throw new Error(`It ended:\n${this.output}`);
      const signal = AbortSignal.timeout(60_000);
      const spoke = once(this.child.stdout ?? this.child, 'data', { signal });
      const isSilent = await Promise.race([once(this.child, 'close', { signal }), spoke]).then(
        () => false,
        () => true,
      );
      if (isSilent) throw new Error(`It has said nothing new for a minute:\n${this.output}`);
    }
  }

  /** The sandbox's URL in the output of the process. */
  get sandboxUrl(): string {
    return this.printed('Sandbox');
  }

  get apiUrl(): string {
    return this.printed('API');
  }

  get websocketUrl(): string {
    return new URL(this.printed('Web Socket')).origin;
  }

  get apiKey(): string {
    return this.printed('API key');
  }

  /** Sends a request with its API key, and fails unless it succeeds. */
  async call<Answer>(method: string, path: string, body: object): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.apiKey}`, 'content-type': 'application/json' };
    const answer = await fetch(`${this.apiUrl}${path}`, { method, headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return JSON.parse(text) as Answer;
  }

  /** Opens a socket at the URL in its output, for a new session of `user`. */
  async listen(user: { context: number; user: number }, generation: Generation): Promise<Listener> {
    const { token } = await this.call<{ token: string }>('POST', '/v1/sessions', user);
    return openSocket(this.websocketUrl, { generation, session: token });
  }

  /** Waits until `count` deliveries of a notification have ended; returns transport, outcome and number of attempts of each. */
  endedDeliveries(id: string, count: number): Promise<string[]> {
    const headers = { authorization: `Bearer ${this.apiKey}` };
    return eventually(`${count} deliveries of ${id} have ended`, async () => {
      const answer = await fetch(`${this.apiUrl}/v1/notifications/${id}`, { headers });
      if (!answer.ok) return undefined; // the history is not written yet: it is written twice a second
      const { deliveries } = (await answer.json()) as { deliveries: readonly DeliveryView[] };
      // A delivery to a socket that closed a moment ago does not end yet, because the socket may come back.
      const ended = deliveries.filter(({ outcome }) => !unfinished.has(outcome));
      if (ended.length < count) return undefined;
      return ended.map(({ transport, outcome, attempts }) => `${transport} ${outcome} ${attempts.length}`).sort();
    });
  }

  /** The clients whose entries in the option files cannot be used. */
  async faultyClients(): Promise<unknown[]> {
    const headers = { authorization: `Bearer ${this.apiKey}` };
    const answer = await fetch(`${this.apiUrl}/v1/clients`, { headers });
    const { faults } = (await answer.json()) as { faults: { client?: string }[] };
    return faults.map(({ client }) => client);
  }

  /** The status of `/health/ready`. */
  async ready(): Promise<number> {
    return (await fetch(`${this.printed('API')}/health/ready`)).status;
  }

  private printed(what: string): string {
    return new RegExp(`^ +${what} +(\\S+)`, 'm').exec(this.output)?.[1] ?? '';
  }

  /** Sends the request of the curl command in the output. */
  async example(): Promise<Response> {
    const command = this.output.slice(this.output.indexOf('curl -i'), this.output.indexOf('Ctrl-C')).trim();
    const curl = spawn('sh', ['-c', `curl() { for each; do printf '%s\\0' "$each"; done; }\n${command}`]);
    let words = '';
    curl.stdout.on('data', (chunk: Buffer) => (words += chunk.toString()));
    await once(curl, 'close');
    const [, url = '', , authorization = '', , , , body = ''] = words.split('\0');
    const headers = { authorization: authorization.replace('Authorization: ', ''), 'content-type': 'application/json' };
    return fetch(url, { method: 'POST', headers, body });
  }

  /** Waits until the process' sandbox has accepted `count` deliveries in total, or no request has arrived for a minute. */
  async arrived(count: number): Promise<WebhookArrivalsView> {
    let since = 0;
    for (let silent = 0; ;) {
      const answer = await fetch(`${this.sandboxUrl}/webhooks/demo/arrivals?since=${since}&waitMs=20000`);
      const view = (await answer.json()) as WebhookArrivalsView;
      silent = view.nextSince === since ? silent + 1 : 0;
      if (view.accepted >= count || silent === 3) return view;
      since = view.nextSince;
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.hasEnded) {
      const exit = once(this.child, 'exit');
      this.child.kill(signal);
      await exit;
    }
    return this.child.exitCode;
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'close');
    return this.child.exitCode;
  }
}
