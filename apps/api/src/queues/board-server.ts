import fastifyStatic from '@fastify/static';
import type {
  AppControllerRoute,
  AppViewRoute,
  BullBoardQueues,
  IServerAdapter,
  UIConfig,
} from '@bull-board/api/typings/app';
import { renderFile } from 'ejs';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { join } from 'node:path';

/** The paths that are served. The board's other paths change queues, or show parts of jobs that PNS hides. */
const servedPaths: ReadonlySet<string> = new Set(['/api/redis/stats', '/api/queues', '/api/queues/:queueName/:jobId']);

/** Requires an API key with the scope `admin`. Browsers send it as the password of Basic. */
const access = { scopes: ['admin'], asksBrowsers: true } as const;

/** The page may connect to this API only. Inline styles and a base are allowed, because the page sets both. */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};

/** Serves the pages of Bull Board with Fastify. Only requests that change nothing have routes. */
export class BoardServer implements IServerAdapter {
  private queues: BullBoardQueues = new Map();
  private viewsPath = '';
  private staticPath = '';
  private uiConfig: UIConfig = {};
  private entry: AppViewRoute | undefined;
  private apiRoutes: readonly AppControllerRoute[] = [];

  setQueues(queues: BullBoardQueues): this {
    this.queues = queues;
    return this;
  }

  setViewsPath(path: string): this {
    this.viewsPath = path;
    return this;
  }

  setStaticPath(_route: string, path: string): this {
    this.staticPath = path;
    return this;
  }

  setUIConfig(config: UIConfig): this {
    this.uiConfig = config;
    return this;
  }

  setEntryRoute(route: AppViewRoute): this {
    this.entry = route;
    return this;
  }

  /** Does nothing, because errors are answered as on all other routes. */
  setErrorHandler(): this {
    return this;
  }

  setApiRoutes(routes: readonly AppControllerRoute[]): this {
    this.apiRoutes = routes;
    return this;
  }

  /** Adds the routes below `path`. */
  install(server: FastifyInstance, path: string): void {
    void server.register((scope, _options, done) => {
      scope.addHook('onSend', (_request, reply, payload, next) => {
        void reply.headers(headers);
        next(null, payload);
      });
      void scope.register(fastifyStatic, { root: this.staticPath, serve: false });
      this.addPages(scope, path);
      this.addApi(scope, path);
      done();
    });
  }

  private addPages(scope: FastifyInstance, path: string): void {
    scope.get<{ Params: { '*': string } }>(`${path}/static/*`, { config: access }, (request, reply) =>
      reply.sendFile(request.params['*']),
    );
    const { entry } = this;
    for (const route of [entry?.route ?? []].flat()) {
      scope.get(`${path}${route === '/' ? '' : route}`, { config: access }, async (_request, reply) => {
        const view = entry?.handler({ basePath: path, uiConfig: this.uiConfig });
        const page = await renderFile(join(this.viewsPath, 'index.ejs'), view?.params ?? {});
        return reply.type('text/html').header('cache-control', 'no-store').send(page);
      });
    }
  }

  private addApi(scope: FastifyInstance, path: string): void {
    for (const route of this.apiRoutes) {
      if (![route.method].flat().includes('get')) continue;
      for (const served of [route.route].flat().filter((each) => servedPaths.has(each))) {
        scope.get(`${path}${served}`, { config: access }, async (request, reply) => {
          const { status = 200, body } = await route.handler(this.boardRequest(request));
          return reply.status(status).header('cache-control', 'no-store').send(body);
        });
      }
    }
  }

  private boardRequest({ params, query }: FastifyRequest) {
    const { queues, uiConfig } = this;
    return { queues, uiConfig, params: params as object, query: query as object, body: {}, headers: {} };
  }
}
