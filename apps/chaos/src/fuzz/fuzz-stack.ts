import { collectableArgs, settledBytes } from '@pns/bench/memory';
import { openSocket, System, type AppName, type AppProcess } from '@pns/e2e';
import { eventually } from '@pns/local-servers/waiting';
import { StoredState } from './stored-state';

/** The apps of a short run. */
export const fewApps: readonly AppName[] = ['api', 'dispatcher', 'worker-websocket', 'worker-webhook'];

/** A process must answer a health check within this time, in ms. */
const healthWithinMs = 60_000;

/** The user whose notifications must arrive at all times. No generated request names this context. */
const canary = { context: 77_001, user: 1 };

interface Watched {
  readonly app: AppProcess;
  bytesBefore: number;
}

interface ListPage {
  readonly items: readonly { readonly name: string; readonly origin?: unknown; readonly file?: string }[];
  readonly nextCursor?: string;
}

/** The built apps with separate servers, and the rules that hold for them at all times. */
export class FuzzStack {
  private readonly errors: string[] = [];
  private readonly watched: Watched[] = [];
  private canaries = 0;

  private constructor(
    readonly system: System,
    readonly state: StoredState,
    private readonly isMeasured: boolean,
  ) {}

  /** Starts the apps. With `isMeasured`, they collect their garbage on request, so that their memory can be measured. */
  static async start(apps: readonly AppName[], { isMeasured }: { readonly isMeasured: boolean }): Promise<FuzzStack> {
    const system = await System.start({
      isDurable: false,
      keepsLogs: false,
      hasProviders: true,
      ...(isMeasured && { nodeArgs: collectableArgs }),
      processes: Object.fromEntries(apps.map((app) => [app, 1])),
      properties: { 'com.openexchange.pns.delayDuration': 0 },
    });
    const state = await StoredState.open(system.databaseUrl, system.redis.url);
    const stack = new FuzzStack(system, state, isMeasured);
    for (const name of apps) stack.watch(system.app(name));
    await stack.begin();
    return stack;
  }

  /** Returns a sentence for each process that is dead or does not answer, and for each error in the logs since the last call. */
  async faults(): Promise<string[]> {
    const dead = await Promise.all(this.watched.map(({ app }) => healthFault(app)));
    return [...dead.filter((fault) => fault !== undefined), ...this.errors.splice(0)];
  }

  /** Posts a notification. Resolves with a fault if it does not arrive at a webhook and a socket after all earlier inputs. */
  async canaryFault(): Promise<string | undefined> {
    try {
      await this.resetProperties();
      await this.subscribe();
      const count = ++this.canaries;
      const { token } = await this.system.expect<{ token: string }>(201, 'POST', '/v1/sessions', canary);
      const socket = await openSocket(this.system.app('worker-websocket').url, { generation: 'v4', session: token });
      const payload = { folder: 'default0/INBOX', id: String(count) };
      await this.system.expect(202, 'POST', '/v1/notifications', { ...canary, topic: 'ox:mail:new', payload });
      await this.system.arrivalsOf(count, 'canary');
      await eventually('the canary is at its socket', () => socket.received.length > 0);
      socket.socket.close();
      return undefined;
    } catch (error) {
      return `A notification did not arrive after these inputs: ${(error as Error).message}`;
    }
  }

  /** The growth of each process since `measureStart`, in bytes, after garbage collection. Empty if memory is not measured. */
  async growth(): Promise<ReadonlyMap<string, number>> {
    const grown = new Map<string, number>();
    if (!this.isMeasured) return grown;
    for (const { app, bytesBefore } of this.watched)
      grown.set(app.name, (await settledBytes(app.child.pid ?? 0)) - bytesBefore);
    return grown;
  }

  /** Notes the present size of each process; `growth` compares later sizes with it. */
  async measureStart(): Promise<void> {
    if (!this.isMeasured) return;
    for (const each of this.watched) each.bytesBefore = await settledBytes(each.app.child.pid ?? 0);
  }

  async stop(): Promise<void> {
    await this.state.close();
    await this.system.stop();
  }

  private async begin(): Promise<void> {
    const fault = await this.canaryFault();
    if (fault !== undefined) throw new Error(fault);
  }

  private watch(app: AppProcess): void {
    this.watched.push({ app, bytesBefore: 0 });
    let rest = '';
    for (const stream of [app.child.stdout, app.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        this.errors.push(...lines.filter(isError).map((line) => `${app.name} logged an error: ${line.slice(0, 2000)}`));
      });
    }
  }

  /**
   * Subscribes the canary again. Earlier requests may have deleted its subscription, or changed the webhook so that a new
   * subscription is refused for a moment.
   */
  private async subscribe(): Promise<void> {
    const token = `${this.system.sandbox.url}/webhooks/canary`;
    const body = { ...canary, client: 'sandbox', transport: 'webhook', token, topics: ['*'] };
    await eventually(
      'the canary is subscribed',
      async () => (await this.system.request('POST', '/v1/subscriptions', body)).ok,
    );
  }

  /** Resets settings of earlier requests for all users: properties, context sets that match every context, and clients. */
  private async resetProperties(): Promise<void> {
    await this.removeAll('/v1/config/server/properties');
    await this.removeAll('/v1/config/context-sets');
    for (const client of ['sandbox/transports/webhook', 'open-xchange-appsuite/transports/websocket']) {
      await this.system.request('DELETE', `/v1/clients/${client}`);
    }
    await this.system.untilObeyed(canary, 'com.openexchange.pns.delayDuration', 0);
  }

  /** Removes the items of a list that were set through the API. Items from files cannot be removed and stay in the list. */
  private async removeAll(list: string): Promise<void> {
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page: ListPage = await this.system.expect<ListPage>(200, 'GET', `${list}?limit=100${from}`);
      const ofApi = page.items.filter(({ origin, file }) => origin === undefined && file === undefined);
      for (const { name } of ofApi) await this.system.expect(204, 'DELETE', `${list}/${encodeURIComponent(name)}`);
      cursor = page.nextCursor;
    }
  }
}

async function healthFault({ name, child, url }: AppProcess): Promise<string | undefined> {
  if (child.exitCode !== null || child.signalCode !== null)
    return `${name} ended with ${child.exitCode ?? child.signalCode}.`;
  try {
    const { status } = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(healthWithinMs) });
    return status === 200 ? undefined : `${name} answers ${status} to a health check.`;
  } catch (error) {
    return `${name} does not answer a health check: ${(error as Error).message}`;
  }
}

/** Whether a line of a log is an error. A line that is not JSON is one too, such as Node's own output for a crash. */
function isError(line: string): boolean {
  try {
    return ['error', 'fatal'].includes((JSON.parse(line) as { level: string }).level);
  } catch {
    return line.trim() !== '';
  }
}
