import type { FastifyRequest, onRouteHookHandler, preHandlerHookHandler } from 'fastify';
import { RequestError } from '../http/request-error';
import type { Caller } from './authenticator';

/**
 * Where a request names its context: in its query, in its body, or `handler` when only the handler can find it. The
 * handler then calls `mayAccessContext`. `none`: the answer is the same for all contexts.
 */
type ContextPlace = 'query' | 'body' | 'handler' | 'none';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * How a key that is restricted to contexts may use the route. A route with `:context` in its path needs no value. Every
     * other route without a value concerns the whole server and refuses a restricted key.
     */
    readonly contextIn?: ContextPlace;
  }
  interface FastifyRequest {
    /** The API key of the request, on routes that take API keys. */
    caller?: Caller;
  }
}

/** Whether the API key of the request may access `context`. */
export function mayAccessContext({ caller }: FastifyRequest, context: number): boolean {
  return caller?.contexts?.includes(context) ?? true;
}

/** @throws RequestError `CONTEXT_REFUSED` unless the API key may access `context`. */
export function assertContextAccess(request: FastifyRequest, context: number): void {
  if (!mayAccessContext(request, context)) throw contextError(request.caller?.contexts ?? []);
}

/** The error for a request outside the contexts of its API key. */
export function contextError(contexts: readonly number[]): RequestError {
  return new RequestError('CONTEXT_REFUSED', contextSentence(contexts));
}

export function contextSentence(contexts: readonly number[]): string {
  const some = contexts.length > 10 ? `${contexts.slice(0, 10).join(', ')} and others` : contexts.join(', ');
  return `The API key is valid for context ${some} only. The request names another context, none, or concerns all contexts.`;
}

/**
 * The error if a restricted key may not access the context in path or query, or if the route is for the whole server. It is
 * found before the body is read.
 */
export function contextErrorBeforeBody({
  caller,
  params,
  query,
  routeOptions,
}: FastifyRequest): RequestError | undefined {
  if (caller?.contexts === undefined) return undefined;
  const { contexts } = caller;
  const place = placeOf(routeOptions.url, routeOptions.config.contextIn);
  if (place === 'body' || place === 'handler' || place === 'none') return undefined;
  const named =
    place === undefined ? undefined : ((place === 'path' ? params : query) as { context?: unknown }).context;
  // The ids are compared as text, because the check and the handler could parse one text as two different numbers.
  return contexts.some((context) => String(context) === named) ? undefined : contextError(contexts);
}

/** Adds the check of the body to routes that name their context in it. */
export const checkContextInBody: onRouteHookHandler = (route) => {
  if (placeOf(route.url, route.config?.contextIn) !== 'body') return;
  route.preHandler = [...[route.preHandler ?? []].flat(), refuseOtherContexts];
};

const refuseOtherContexts: preHandlerHookHandler = ({ caller, body }, _reply, done) => {
  if (caller?.contexts === undefined) return done();
  const named = typeof body === 'object' && body !== null ? (body as { context?: unknown }).context : undefined;
  return caller.contexts.some((context) => context === named) ? done() : done(contextError(caller.contexts));
};

function placeOf(url: string | undefined, named: ContextPlace | undefined): ContextPlace | 'path' | undefined {
  return url?.includes('/:context') === true ? 'path' : named;
}
