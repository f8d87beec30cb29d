import type { FastifyInstance, RouteOptions } from 'fastify';
import { RequestError } from './request-error';

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** The detail of `PATH_UNKNOWN`. */
export const unknownPathSentence = 'There is nothing at this path; /docs lists all paths.';

/** Records the paths and methods of a server, so that a wrong method gets 405 and a wrong path 404. */
export class KnownPaths {
  private readonly paths = new Map<string, KnownPath>();

  constructor(server: FastifyInstance) {
    server.addHook('onRoute', (route) => this.add(route));
  }

  /** Every route by its path, with parameters as in `/:id`. Static files are not included. */
  routes(): { readonly path: string; readonly methods: readonly string[] }[] {
    return [...this.paths].map(([path, { methods }]) => ({ path, methods: [...methods].sort() }));
  }

  /** The error for a request that matches no route. */
  errorFor(method: string, url: string): RequestError {
    const path = url.split('?', 1)[0] ?? '';
    const methods = [...this.paths.values()].find(({ pattern }) => pattern.test(path))?.methods;
    if (methods === undefined) {
      return new RequestError('PATH_UNKNOWN', unknownPathSentence);
    }
    const allow = [...methods].sort().join(', ');
    return new RequestError('METHOD_NOT_ALLOWED', `This path accepts ${allow}, not ${method}.`, [], { allow });
  }

  private add({ url, method }: RouteOptions): void {
    if (url.includes('*')) return; // static files have no fixed paths
    const path = this.paths.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    for (const each of [method].flat()) path.methods.add(each);
    this.paths.set(url, path);
  }
}

function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:[A-Za-z]+/g, '[^/]+')}$`);
}
