import type { ApiScope } from '@pns/persistence';
import type { FastifyInstance, FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify';
import type { SessionTokens } from '@pns/sessions';
import { RequestError } from '../http/request-error';
import type { Authenticator, Caller } from './authenticator';
import { contextRefusalOf, guardBody } from './context-access';
import { quotaOf } from './quota';
import type { RateLimits } from './rate-limits';
import './requires-scope'; // for the routes' config
import { sessionOf } from './session-token';

/** Paths that need no key: what load balancers, Prometheus and readers of the documentation ask for. */
const openPaths = /^\/(health\/(live|ready)|metrics|openapi\.json|docs(\/.*)?)?$/;

/** What a request is checked with. Each is asked for at the first request. */
export interface Authentication {
  readonly authenticator: () => Authenticator;
  readonly sessions: () => SessionTokens;
  readonly rateLimits: () => RateLimits;
  /** What answers a request that no route takes. */
  readonly unrouted: (request: FastifyRequest) => Error;
}

/**
 * Authenticates before a body is read, so that nobody without credentials can make us read one. A request that no route
 * takes is answered before its body is read, too. A route that says nothing about who may use it does not start.
 */
export function installAuthentication(
  server: FastifyInstance,
  { authenticator, sessions, rateLimits, unrouted }: Authentication,
): void {
  server.decorateRequest('caller');
  server.decorateRequest('session');
  server.decorateRequest('quota');
  server.addHook('onRoute', assertAccess);
  server.addHook('onRoute', guardBody);
  const hook: onRequestHookHandler = (request, reply, done) => {
    if (request.is404) return done(unrouted(request));
    const { scopes, takesSessions } = request.routeOptions.config;
    if (takesSessions === true) return openSession(sessions(), request, done);
    if (scopes === undefined) return done();
    const goOn = (caller: Caller): void => {
      const quota = quotaOf(request, reply, caller, rateLimits);
      if (quota === undefined) return done(admit(request, caller, scopes));
      request.quota = quota;
      quota.admit().then((refusal) => done(refusal ?? admit(request, caller, scopes)), done);
    };
    try {
      const caller = authenticator().callerOf(request.headers.authorization);
      if (!(caller instanceof Promise)) return goOn(caller);
      caller.then(goOn, (error: Error) => done(challenged(error, request)));
    } catch (error) {
      done(challenged(error as Error, request));
    }
  };
  server.addHook('onRequest', hook);
}

function assertAccess({ url, config }: RouteOptions): void {
  if (config?.scopes === undefined && config?.takesSessions !== true && !openPaths.test(url))
    throw new Error(`${url} does not say who may use it.`);
}

function openSession(sessions: SessionTokens, request: FastifyRequest, done: (error?: Error) => void): void {
  sessionOf(sessions, request).then((session) => {
    request.session = session;
    done();
  }, done);
}

/** Notes who asks; answers why that is refused, if it is. */
function admit(request: FastifyRequest, caller: Caller, scopes: readonly ApiScope[]): RequestError | undefined {
  request.caller = caller;
  if (scopes.some((scope) => caller.scopes.includes(scope))) return contextRefusalOf(request);
  return new RequestError('SCOPE_MISSING', `This needs an API key with scope ${scopes.join(' or ')}.`);
}

/** Says how to authenticate. Only Dovecot is told of Basic, which makes browsers ask their users for a password. */
function challenged(error: Error, request: FastifyRequest): Error {
  if (!(error instanceof RequestError)) return error;
  const scheme = request.routeOptions.url?.startsWith('/preliminary') === true ? 'Basic' : 'Bearer';
  return new RequestError(error.code, error.message, [], {
    'www-authenticate': `${scheme} realm="pns"`,
  });
}
