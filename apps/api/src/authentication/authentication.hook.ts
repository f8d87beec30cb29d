import type { ApiScope } from '@pns/persistence';
import type { FastifyInstance, FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify';
import type { SessionTokens } from '@pns/sessions';
import { RequestError } from '../http/request-error';
import type { Authenticator, Caller } from './authenticator';
import { contextErrorBeforeBody, checkContextInBody } from './context-access';
import { quotaOf } from './quota';
import type { RateLimits } from './rate-limits';
import './requires-scope'; // extends the type of a route's config
import type { WebhookProducers } from '../webhook-producers/webhook-producers';
import { hasSessionToken, sessionOf } from './session-token';

/** Paths that need no key: health, metrics and documentation. */
const openPaths = /^\/(health\/(live|ready)|metrics|openapi\.json|docs(\/.*)?)?$/;

/** The services that check a request. Each is resolved at the first request. */
interface Authentication {
  readonly authenticator: () => Authenticator;
  readonly sessions: () => SessionTokens;
  readonly rateLimits: () => RateLimits;
  readonly producers: () => WebhookProducers;
  /** The error of a request that matches no route. */
  readonly unrouted: (request: FastifyRequest) => Error;
}

/**
 * Authenticates before the body is read, so that a sender without credentials cannot make the server read a body. A request
 * that matches no route is also answered before its body is read. The server does not start if a route has no access rule.
 */
export function installAuthentication(
  server: FastifyInstance,
  { authenticator, sessions, rateLimits, producers, unrouted }: Authentication,
): void {
  server.decorateRequest('caller');
  server.decorateRequest('session');
  server.decorateRequest('quota');
  server.decorateRequest('producer');
  server.addHook('onRoute', assertAccess);
  server.addHook('onRoute', checkContextInBody);
  const hook: onRequestHookHandler = (request, reply, done) => {
    if (request.is404) return done(unrouted(request));
    const { scopes, takesSessions, alsoTakesSessions, takesProducers } = request.routeOptions.config;
    if (takesProducers === true) return announceProducer(producers(), request, done);
    if (takesSessions === true) return openSession(sessions(), request, done);
    if (alsoTakesSessions === true && hasSessionToken(request)) return openSession(sessions(), request, done);
    if (scopes === undefined) return done();
    const proceed = (caller: Caller): void => {
      const quota = quotaOf(request, reply, caller, rateLimits);
      if (quota === undefined) return done(admit(request, caller, scopes));
      request.quota = quota;
      quota.admit().then((refusal) => done(refusal ?? admit(request, caller, scopes)), done);
    };
    try {
      const caller = authenticator().callerOf(request.headers.authorization);
      if (!(caller instanceof Promise)) return proceed(caller);
      caller.then(proceed, (error: Error) => done(challenged(error, request)));
    } catch (error) {
      done(challenged(error as Error, request));
    }
  };
  server.addHook('onRequest', hook);
}

function assertAccess({ url, config }: RouteOptions): void {
  const isGuarded = config?.scopes !== undefined || config?.takesSessions === true || config?.takesProducers === true;
  if (!isGuarded && config?.isOpen !== true && !openPaths.test(url))
    throw new Error(`The route ${url} has no access rule.`);
}

function announceProducer(producers: WebhookProducers, request: FastifyRequest, done: (error?: Error) => void): void {
  const { params, headers } = request;
  try {
    request.producer = producers.announced((params as { id: string }).id, headers, Date.now());
    done();
  } catch (error) {
    done(error as Error);
  }
}

function openSession(sessions: SessionTokens, request: FastifyRequest, done: (error?: Error) => void): void {
  sessionOf(sessions, request).then((session) => {
    request.session = session;
    done();
  }, done);
}

/** Sets the caller of the request; returns the error if the caller may not use the route. */
function admit(request: FastifyRequest, caller: Caller, scopes: readonly ApiScope[]): RequestError | undefined {
  request.caller = caller;
  if (scopes.some((scope) => caller.scopes.includes(scope))) return contextErrorBeforeBody(request);
  return new RequestError('SCOPE_MISSING', `This route needs an API key with scope ${scopes.join(' or ')}.`);
}

/**
 * Adds `WWW-Authenticate`. Only the route of Dovecot and the pages for browsers offer Basic, because browsers show a password
 * dialog for Basic.
 */
function challenged(error: Error, request: FastifyRequest): Error {
  if (!(error instanceof RequestError)) return error;
  const { url, config } = request.routeOptions;
  const scheme = url?.startsWith('/preliminary') === true || config.asksBrowsers === true ? 'Basic' : 'Bearer';
  return new RequestError(error.code, error.message, [], {
    'www-authenticate': `${scheme} realm="pns"`,
  });
}
