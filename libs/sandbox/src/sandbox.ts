import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PnsError } from '@pns/runtime';
import { demoSignatureSecret } from '@pns/transport-contract';
import { fastify, type FastifyInstance } from 'fastify';
import { ZodError } from 'zod';
import { type Arrival, Arrivals } from './arrivals';
import { type ApiAccess, type Demo, demoRoutes, prepareDemoApps } from './demo';
import { type DemoApp, demoApps } from './demo-apps';
import { Feed } from './feed';
import { healthRoutes } from './health';
import { historyRoutes } from './notification-history';
import { pageRoutes } from './page';
import { closeProviders, type Providers, providerRoutes, providerTargets, startProviders } from './providers';
import { DemoBrowser } from './webpush/demo-browser';
import { BrowserSockets, browserSocketPath } from './webpush/browser-sockets';
import { webAppRoutes } from './webpush/web-app.routes';
import { WebhookReceiver, webhookProvider } from './webhook/webhook-receiver';
import { webhookRoutes } from './webhook/webhook.routes';

/** How the sandbox is started. */
export interface SandboxOptions {
  /** 0 selects a free port. */
  readonly port: number;
  /** Default: the address 127.0.0.1, because everybody who can open the page can send the demonstration. */
  readonly host?: string;
  /** The name or address at which PNS reaches the providers. Default: `localhost`. */
  readonly hostname?: string;
  /**
   * The secret with which webhooks verify signatures, until another secret is set. Default: the secret in the shipped
   * configuration.
   */
  readonly signatureSecret?: string;
  /** The number of arrivals that are kept. Default: 20,000. */
  readonly keep?: number;
  /** Lets the page send the demonstration and open a socket. */
  readonly demo?: Demo;
  /** If false, only webhooks are simulated. This saves some hundred ms, in which certificates are created. */
  readonly hasProviders?: boolean;
}

/** A running sandbox. */
export interface Sandbox {
  readonly port: number;
  /** Without a trailing slash. */
  readonly url: string;
  /** Absent if only webhooks are simulated. */
  readonly providers: Providers | undefined;
  /** Where a real browser finds its push service, if providers are simulated: `ws://127.0.0.1:3002/webpush/socket`. */
  readonly browserSocketUrl: string;
  /** The apps of the demonstration, one for each provider. */
  readonly demoApps: readonly DemoApp[];
  /** Subscribes the user of the demonstration with each provider over this API. Safe to repeat. */
  prepareDemo(api: ApiAccess): Promise<void>;
  /** Calls `listener` for each further arrival; returns a function that removes the listener. */
  onArrival(listener: (arrival: Arrival) => void): () => void;
  close(): Promise<void>;
}

/** Starts the simulated providers and the webhook receiver. Rejects with `PORT_IN_USE` if `port` is in use. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { port, host = '127.0.0.1', signatureSecret = demoSignatureSecret, keep = 20_000 } = options;
  const { hasProviders = true, hostname = 'localhost' } = options;
  const arrivals = new Arrivals(keep);
  const webhooks = new WebhookReceiver(arrivals, signatureSecret);
  const providers = hasProviders ? await startProviders(host, hostname, arrivals) : undefined;
  const apps = providers === undefined ? [] : demoApps(providers);
  const demoBrowser = providers === undefined ? undefined : new DemoBrowser(providers);
  const prepareDemo = async (api: ApiAccess): Promise<void> => {
    await prepareDemoApps(api, apps);
    await demoBrowser?.prepare(api);
  };
  const feed = new Feed(
    arrivals,
    () => [
      ...webhooks.known().map((box) => ({ provider: webhookProvider, target: box.name, ...box.state })),
      ...(providers === undefined ? [] : providerTargets(providers)),
    ],
    ({ provider, target, seq }) => provider !== webhookProvider || seq > webhooks.box(target).clearedSeq,
  );
  const app = server(webhooks);
  app.get('/feed', (_, reply) => {
    reply.hijack();
    feed.open(reply.raw);
  });
  webhookRoutes(app, webhooks, arrivals);
  const browsers = providers === undefined ? undefined : new BrowserSockets(providers.webpush);
  browsers?.attach(app.server);
  app.get('/webpush/browsers', () => browsers?.known().map(({ state }) => state) ?? []);
  if (providers !== undefined) providerRoutes(app, providers, arrivals);
  demoRoutes(app, options.demo, { hasDevices: apps.length > 0, prepare: prepareDemo });
  historyRoutes(app, options.demo, arrivals, apps);
  webAppRoutes(app, options.demo, providers);
  pageRoutes(app, options.demo?.websocketUrl);
  healthRoutes(app);
  try {
    await listen(app, host, port);
  } catch (error) {
    if (providers !== undefined) await closeProviders(providers);
    throw error;
  }
  const taken = (app.server.address() as AddressInfo).port;
  return {
    port: taken,
    url: `http://127.0.0.1:${taken}`,
    providers,
    browserSocketUrl: `ws://127.0.0.1:${taken}${browserSocketPath}`,
    demoApps: apps,
    prepareDemo,
    onArrival: (listener) => arrivals.onArrival(listener),
    close: async () => {
      feed.close();
      arrivals.close();
      browsers?.close();
      await app.close();
      if (providers !== undefined) await closeProviders(providers);
    },
  };
}

function server(webhooks: WebhookReceiver): FastifyInstance {
  const app = fastify({
    forceCloseConnections: true,
    serverFactory: (handler) =>
      createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
        if (!webhooks.takes(request, response)) handler(request, response);
      }),
  });
  app.setErrorHandler((error, _, reply) => {
    if (error instanceof ZodError) return reply.code(400).send({ error: error.issues[0]?.message });
    return reply.send(error);
  });
  return app;
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new PnsError(
      'PORT_IN_USE',
      `Port ${port} for the sandbox is in use; stop the program that uses it or choose another port.`,
      {
        cause,
      },
    );
  }
}
