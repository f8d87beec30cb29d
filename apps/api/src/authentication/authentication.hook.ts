import type { ApiScope } from '@pns/persistence';
import type { FastifyInstance, FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify';
import { RequestError } from '../http/request-error';
import type { Authenticator, Caller } from './authenticator';
import { contextRefusalOf, guardBody } from './context-access';
import { quotaOf } from './quota';
import type { RateLimits } from './rate-limits';
import './requires-scope'; // for the routes' config

/** Paths that need no key: what load balancers, Prometheus and readers of the documentation ask for. */
const openPaths = /^\/(health\/(live|ready)|metrics|openapi\.json|docs(\/.*)?)$/;

/**
 * Authenticates before a body is read, so that nobody without a key can make us read one. A route that says nothing
 * about who may use it does not start.
 */
export function installAuthentication(
  server: FastifyInstance,
  authenticator: () => Authenticator,
  rateLimits: () => RateLimits,
): void {
  server.decorateRequest('caller');
  server.decorateRequest('quota');
  server.addHook('onRoute', assertAccess);
  server.addHook('onRoute', guardBody);
  const hook: onRequestHookHandler = (request, reply, done) => {
    const { scopes } = request.routeOptions.config;
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
  return new RequestError(error.code as 'API_KEY_MISSING', error.message, [], {
    'www-authenticate': `${scheme} realm="pns"`,
  });
}
