import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  freshDatabase,
  startRedis,
  startRedisCluster,
  type FreshDatabase,
  type LocalRedis,
  type LocalRedisCluster,
} from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { startSandbox, type Sandbox, type WebhookArrivalsView, type WebhookArrivalView } from '@pns/sandbox';
import { AppProcess, type AppName, type AppProcessOptions } from './app-process';

export const apiKey = 'a-key-for-end-to-end-tests';
export const signatureSecret = 'a-secret-for-end-to-end-tests';

export interface SystemOptions extends AppProcessOptions {
  /** The number of processes of each app. Default: one of each app for Web Sockets and webhooks. */
  readonly processes?: Partial<Record<AppName, number>>;
  /** Lines of `pns.properties` in addition to those that every test needs. */
  readonly properties?: Readonly<Record<string, string | number>>;
  /** Whether Apple, Google and Microsoft are simulated too. */
  readonly hasProviders?: boolean;
  /** Whether Redis is a cluster instead of a single server. */
  readonly hasRedisCluster?: boolean;
  /** Whether Redis is safe against a power failure. If not, it is faster. Default: true. */
  readonly isDurable?: boolean;
  /** The folder of Redis' data, which is not deleted at the end. Default: a temporary folder. */
  readonly redisFolder?: string;
  /** Variables in addition to those that every app needs. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The apps that are started by default. */
const usualApps: Partial<Record<AppName, number>> = {
  api: 1,
  dispatcher: 1,
  'worker-websocket': 1,
  'worker-webhook': 1,
};

/** All of PNS as processes, with its own Redis and database, against the sandbox. */
export class System {
  private readonly apps = new Map<AppName, AppProcess[]>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'pns-e2e-'));
  private env: Record<string, string> = {};
  private database!: FreshDatabase;
  /** The only Redis; not set if there is a cluster. */
  redis!: LocalRedis;
  /** The cluster; set only with `hasRedisCluster`. */
  cluster!: LocalRedisCluster;
  sandbox!: Sandbox;

  private constructor(
    private readonly ofApps: AppProcessOptions,
    private readonly isDurable: boolean,
    private readonly redisFolder: string | undefined,
  ) {}

  static async start({
    processes = {},
    properties = {},
    env = {},
    hasProviders = false,
    hasRedisCluster = false,
    isDurable = true,
    redisFolder,
    ...ofApps
  }: SystemOptions = {}): Promise<System> {
    const system = new System(ofApps, isDurable, redisFolder);
    try {
      await system.startServers(properties, hasProviders, hasRedisCluster);
      Object.assign(system.env, env);
      await Promise.all(
        Object.entries({ ...usualApps, ...processes }).map(async ([name, count]) => {
          for (let started = 0; started < count; started++) await system.add(name as AppName);
        }),
      );
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  private async startServers(
    properties: Readonly<Record<string, string | number>>,
    hasProviders: boolean,
    hasRedisCluster: boolean,
  ): Promise<void> {
    const { isDurable } = this;
    if (hasRedisCluster) this.cluster = await startRedisCluster({ dataDir: join(this.folder, 'cluster'), isDurable });
    else this.redis = await this.startRedis();
    [this.database, this.sandbox] = await Promise.all([
      freshDatabase(),
      startSandbox({ port: 0, signatureSecret, keep: 100_000, hasProviders }),
    ]);
    this.configure(
      'pns.properties',
      propertiesText({ 'com.openexchange.webhooks.enabledIds': 'sandbox', ...properties }),
    );
    this.configure('webhooks.yml', webhooksYaml(this.sandbox.url));
    this.env = {
      DATABASE_URL: this.database.url,
      REDIS_URL: (this.cluster ?? this.redis).url,
      PNS_CONFIG_DIR: this.folder,
      PNS_API_PORT: '0',
      PNS_WEBSOCKET_PORT: '0',
      PNS_HEALTH_PORT: '0',
      PNS_BOOTSTRAP_API_KEY: apiKey,
      PNS_ENCRYPTION_KEY: '0123456789abcdef'.repeat(4),
      PNS_SESSION_SECRET: 'a-session-secret-for-end-to-end-tests',
    };
  }

  /** Starts Redis, or starts it again with its append-only file. */
  private startRedis(): Promise<LocalRedis> {
    const { isDurable, redisFolder: dataDir = join(this.folder, 'redis') } = this;
    return startRedis({ dataDir, isDurable, ...(this.redis && { port: this.redis.port }) });
  }

  get databaseUrl(): string {
    return this.database.url;
  }

  /** Kills Redis and starts it again with its append-only file after `meanwhile` has ended. */
  async crashRedis(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await this.redis.kill();
    await meanwhile();
    this.redis = await this.startRedis();
  }

  /** Writes a file of the configuration folder, which every process watches. */
  configure(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  /** Starts another process of an app, with variables in addition to those of all apps. */
  async add(
    name: AppName,
    env: Readonly<Record<string, string>> = {},
    options: AppProcessOptions = {},
  ): Promise<AppProcess> {
    const app = await AppProcess.start(name, { ...this.env, ...env }, { ...this.ofApps, ...options });
    this.apps.set(name, [...(this.apps.get(name) ?? []), app]);
    return app;
  }

  /** The processes of an app in the order of their start, dead ones included. */
  all(name: AppName): readonly AppProcess[] {
    return this.apps.get(name) ?? [];
  }

  /** The process of an app with this index in the order of their start. Default: the process started last. */
  app(name: AppName, index = -1): AppProcess {
    const app = this.all(name).at(index);
    if (app === undefined) throw new Error(`There is no ${name} with index ${index}.`);
    return app;
  }

  /** Sends a request with the bootstrap key. */
  request(method: string, path: string, body?: unknown, api = this.app('api')): Promise<Response> {
    return fetch(`${api.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** Sends a request and fails unless the answer has `status`. */
  async expect<Answer>(
    status: number,
    method: string,
    path: string,
    body?: unknown,
    api = this.app('api'),
  ): Promise<Answer> {
    const response = await this.request(method, path, body, api);
    const text = await response.text();
    if (response.status !== status) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  }

  /** Resolves once every API returns this value of the property for a user. */
  async untilObeyed({ context, user }: { context: number; user: number }, name: string, value: unknown): Promise<void> {
    const path = `/v1/config/effective?context=${context}&user=${user}&prefix=${name}`;
    for (const api of this.all('api')) {
      await eventually(`${name} is ${String(value)} in the API`, async () => {
        const { items } = await this.expect<{ items: { value: unknown }[] }>(200, 'GET', path, undefined, api);
        return items[0]?.value === value;
      });
    }
  }

  /** Subscribes a user with the sandbox's webhook `name`, by default to all topics. */
  async subscribe(user: { context: number; user: number }, name = 'box', topics = ['*']): Promise<void> {
    const token = `${this.sandbox.url}/webhooks/${name}`;
    await this.expect(201, 'POST', '/v1/subscriptions', {
      ...user,
      client: 'sandbox',
      transport: 'webhook',
      token,
      topics,
    });
  }

  /** The arrivals at the sandbox's webhook `name`. */
  async arrivals(name = 'box'): Promise<WebhookArrivalsView> {
    return (await (await fetch(`${this.sandbox.url}/webhooks/${name}/arrivals`)).json()) as WebhookArrivalsView;
  }

  /** Waits until the sandbox's webhook `name` has accepted `count` different deliveries. @throws Error after `timeoutMs` */
  async arrivalsOf(count: number, name = 'box', timeoutMs = 60_000): Promise<readonly WebhookArrivalView[]> {
    const deadline = Date.now() + timeoutMs;
    let since = 0;
    while (Date.now() < deadline) {
      const view = (await (
        await fetch(`${this.sandbox.url}/webhooks/${name}/arrivals?since=${since}&waitMs=500`)
      ).json()) as WebhookArrivalsView;
      if (view.accepted >= count) return (await this.arrivals(name)).items;
      since = view.nextSince;
    }
    const { accepted, total } = await this.arrivals(name);
    throw new Error(`${accepted} of ${count} deliveries came to ${name} within ${timeoutMs} ms, in ${total} requests.`);
  }

  /** Ends every process and removes all data. */
  async stop(): Promise<void> {
    await Promise.all([...this.apps.values()].flat().map((app) => app.kill()));
    await this.sandbox?.close();
    await this.redis?.stop();
    await this.cluster?.stop();
    await this.database?.drop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The text of a properties file. */
function propertiesText(properties: Readonly<Record<string, string | number>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** The options of the webhook of the sandbox. */
export function webhooksYaml(sandboxUrl: string): string {
  return `sandbox:
  uri: ${sandboxUrl}/webhooks
  signatureSecret: ${signatureSecret}
  httpsOnly: false
  allowedNetworks: [127.0.0.0/8]
  maxConnections: 10
`;
}
