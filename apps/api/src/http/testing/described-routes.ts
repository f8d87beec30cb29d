import type { TestApi } from '../../testing/test-api';

/** A route in the OpenAPI document. Tests compare their tables with it, so that no route is forgotten. */
export interface DescribedRoute {
  /** The method in upper case. */
  readonly method: string;
  /** The path with its parameters in braces. */
  readonly path: string;
  /** An API key needs one of these scopes; empty for a route that takes no API keys. */
  readonly scopes: readonly string[];
  /** Where a request names its context, if not in its path. */
  readonly contextIn?: string;
}

interface Operation {
  readonly 'x-scopes'?: readonly string[];
  readonly 'x-context-in'?: string;
}

/** Every route of the API. */
export async function describedRoutes(api: TestApi): Promise<DescribedRoute[]> {
  const { body } = await api.send<{ paths: Record<string, Record<string, Operation>> }>('GET', '/openapi.json');
  return Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      scopes: operation['x-scopes'] ?? [],
      ...(operation['x-context-in'] === undefined ? {} : { contextIn: operation['x-context-in'] }),
    })),
  );
}
