import type { FastifyRequest, onRouteHookHandler, preHandlerHookHandler } from 'fastify';
import { RequestError } from '../http/request-error';
import type { Caller } from './authenticator';

/**
 * Where a request says which context it is about: in its query, its body, or where only its handler can tell, which
 * then asks `isGoodFor`. `none`: what it answers is the same for everybody.
 */
export type ContextPlace = 'query' | 'body' | 'handler' | 'none';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * How a key that is restricted to contexts may use the route. A route with `:context` in its path needs none; every
     * other one that says nothing concerns the whole server, and is refused to such a key.
     */
    readonly contextIn?: ContextPlace;
  }
  interface FastifyRequest {
    /** Whose API key it carries, on routes that take API keys. */
    caller?: Caller;
  }
}

/** Whether the key is good for what belongs to `context`. */
export function isGoodFor({ caller }: FastifyRequest, context: number): boolean {
  return caller?.contexts?.includes(context) ?? true;
}

/** @throws RequestError `CONTEXT_REFUSED` unless the key is good for `context`. */
export function assertGoodFor(request: FastifyRequest, context: number): void {
  if (!isGoodFor(request, context)) throw contextRefused(request.caller?.contexts ?? []);
}

/** What a restricted key is answered that reaches beyond its contexts. */
export function contextRefused(contexts: readonly number[]): RequestError {
  return new RequestError('CONTEXT_REFUSED', contextRefusal(contexts));
}

export function contextRefusal(contexts: readonly number[]): string {
  const some = contexts.length > 10 ? `${contexts.slice(0, 10).join(', ')} and others` : contexts.join(', ');
  return `The API key is good for context ${some} only, and this names no context, another one, or concerns all of them.`;
}

/** Before the body is read: what path and query tell, and what concerns the whole server. */
export function contextRefusalOf({ caller, params, query, routeOptions }: FastifyRequest): RequestError | undefined {
  if (caller?.contexts === undefined) return undefined;
  const { contexts } = caller;
  const place = placeOf(routeOptions.url, routeOptions.config.contextIn);
  if (place === 'body' || place === 'handler' || place === 'none') return undefined;
  const named =
    place === undefined ? undefined : ((place === 'path' ? params : query) as { context?: unknown }).context;
  // As it is written, so that nothing passes here that is read as another number there.
  return contexts.some((context) => String(context) === named) ? undefined : contextRefused(contexts);
}

/** Adds the look at the body to the routes that name their context in it. */
export const guardBody: onRouteHookHandler = (route) => {
  if (placeOf(route.url, route.config?.contextIn) !== 'body') return;
  route.preHandler = [...[route.preHandler ?? []].flat(), refuseOtherContexts];
};

const refuseOtherContexts: preHandlerHookHandler = ({ caller, body }, _reply, done) => {
  if (caller?.contexts === undefined) return done();
  const named = typeof body === 'object' && body !== null ? (body as { context?: unknown }).context : undefined;
  return caller.contexts.some((context) => context === named) ? done() : done(contextRefused(caller.contexts));
};

function placeOf(url: string | undefined, named: ContextPlace | undefined): ContextPlace | 'path' | undefined {
  return url?.includes('/:context') === true ? 'path' : named;
}
