import type { FastifyInstance, RouteOptions } from 'fastify';
import { RequestError } from './request-error';

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** What a request for a path is answered that nothing is at. */
export const nothingThere = 'There is nothing at this path; /docs shows what there is.';

/** Remembers the paths and methods of a server, so that a wrong method is told from a wrong path. */
export class KnownPaths {
  private readonly paths = new Map<string, KnownPath>();

  constructor(server: FastifyInstance) {
    server.addHook('onRoute', (route) => this.add(route));
  }

  /** Every route, by its path with parameters as in `/:id`. Static files are none. */
  routes(): { readonly path: string; readonly methods: readonly string[] }[] {
    return [...this.paths].map(([path, { methods }]) => ({ path, methods: [...methods].sort() }));
  }

  /** What to answer a request that no route takes. */
  errorFor(method: string, url: string): RequestError {
    const path = url.split('?', 1)[0] ?? '';
    const methods = [...this.paths.values()].find(({ pattern }) => pattern.test(path))?.methods;
    if (methods === undefined) {
      return new RequestError('PATH_UNKNOWN', nothingThere);
    }
    const allow = [...methods].sort().join(', ');
    return new RequestError('METHOD_NOT_ALLOWED', `This path takes ${allow}, not ${method}.`, [], { allow });
  }

  private add({ url, method }: RouteOptions): void {
    if (url.includes('*')) return; // static files: what is not there is not there
    const path = this.paths.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    for (const each of [method].flat()) path.methods.add(each);
    this.paths.set(url, path);
  }
}

function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:[A-Za-z]+/g, '[^/]+')}$`);
}
