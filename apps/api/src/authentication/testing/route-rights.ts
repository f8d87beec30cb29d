import type { ApiScope } from '@pns/persistence';

/**
 * What a key that is restricted to contexts may do with a route:
 *
 * - `path`, `query`, `body`: this part of the request names the context; another context is refused before the handler runs;
 * - `handler`: the handler finds the context, and answers an object of another context with `foreign`;
 * - `anyone`: the answer is the same for every key;
 * - `server`: the route concerns the whole server, and is refused.
 */
type Reach = 'path' | 'query' | 'body' | 'handler' | 'anyone' | 'server';

/** Who may use a route. */
export interface RouteRights {
  /** An API key needs one of these scopes; empty if the route takes no API key. */
  readonly scopes: readonly ApiScope[];
  readonly reach: Reach;
  /** The answer to a restricted key for an object of another context. */
  readonly foreign: { readonly status: number; readonly code: string };
  /** The credentials: `key` an API key, `session` a session token, `producer` the signature of a webhook, `open` none. */
  readonly takes: 'key' | 'session' | 'producer' | 'open';
}

const refused = { status: 403, code: 'CONTEXT_REFUSED' };

const to = (scopes: string, reach: Reach, foreign = refused): RouteRights => ({
  ...{ scopes: scopes.split(' ') as ApiScope[], reach, foreign, takes: 'key' },
});

const admin = (reach: Reach): RouteRights => to('admin', reach);

const without = (takes: 'session' | 'producer' | 'open'): RouteRights => ({
  scopes: [],
  reach: 'anyone',
  foreign: refused,
  takes,
});

const unknownSubscription = { status: 404, code: 'SUBSCRIPTION_NOT_FOUND' };

/** The rights for every route of the OpenAPI document. */
export const routeRights: Readonly<Record<string, RouteRights>> = {
  'GET /health/live': without('open'),
  'GET /health/ready': without('open'),
  'GET /metrics': without('open'),

  'PUT /ajax/pns': without('session'),
  'PUT /appsuite/api/pns': without('session'),

  'POST /v1/notifications': to('ingest', 'handler'),
  'GET /v1/notifications': to('ingest admin', 'query'),
  'GET /v1/notifications/{id}': to('ingest admin', 'handler'),
  'GET /v1/usage': to('ingest admin', 'query'),
  'PUT /preliminary/http-notify/v1/notify': to('ingest', 'handler'),

  'POST /v1/webhooks/ox/{id}': without('producer'),

  'POST /v1/sessions': to('client admin', 'body'),
  'DELETE /v1/sessions/{id}': to('client admin', 'handler'),

  'GET /v1/subscriptions': to('client admin', 'query'),
  'POST /v1/subscriptions': to('client admin', 'body'),
  'DELETE /v1/subscriptions': to('client admin', 'query'),
  'GET /v1/subscriptions/{id}': to('client admin', 'handler', unknownSubscription),
  'PATCH /v1/subscriptions/{id}': to('client admin', 'handler', unknownSubscription),
  'DELETE /v1/subscriptions/{id}': to('client admin', 'handler', unknownSubscription),
  'POST /v1/subscriptions/{id}/test': to('client admin', 'handler', unknownSubscription),

  'GET /v1/api-keys': admin('server'),
  'POST /v1/api-keys': admin('server'),
  'GET /v1/api-keys/{id}': admin('server'),
  'DELETE /v1/api-keys/{id}': admin('server'),

  'GET /v1/audit': admin('handler'),

  'GET /v1/clients': admin('server'),
  'GET /v1/clients/{client}/transports/{transport}': admin('server'),
  'PUT /v1/clients/{client}/transports/{transport}': admin('server'),
  'DELETE /v1/clients/{client}/transports/{transport}': admin('server'),

  'GET /v1/clients/{client}/webpush-key': to('client admin', 'anyone'),

  'GET /v1/config/properties': admin('anyone'),
  'GET /v1/config/faults': admin('server'),
  'GET /v1/config/effective': admin('query'),
  'GET /v1/config/explain': admin('query'),
  'GET /v1/config/server/properties': admin('server'),
  'GET /v1/config/server/properties/{name}': admin('server'),
  'PUT /v1/config/server/properties/{name}': admin('server'),
  'DELETE /v1/config/server/properties/{name}': admin('server'),
  'GET /v1/config/context-sets': admin('server'),
  'GET /v1/config/context-sets/{set}': admin('server'),
  'PUT /v1/config/context-sets/{set}': admin('server'),
  'DELETE /v1/config/context-sets/{set}': admin('server'),
  'GET /v1/config/context-sets/{set}/properties': admin('server'),
  'GET /v1/config/context-sets/{set}/properties/{name}': admin('server'),
  'PUT /v1/config/context-sets/{set}/properties/{name}': admin('server'),
  'DELETE /v1/config/context-sets/{set}/properties/{name}': admin('server'),
  'GET /v1/config/contexts/{context}/properties': admin('path'),
  'GET /v1/config/contexts/{context}/properties/{name}': admin('path'),
  'PUT /v1/config/contexts/{context}/properties/{name}': admin('path'),
  'DELETE /v1/config/contexts/{context}/properties/{name}': admin('path'),
  'GET /v1/config/contexts/{context}/users/{user}/properties': admin('path'),
  'GET /v1/config/contexts/{context}/users/{user}/properties/{name}': admin('path'),
  'PUT /v1/config/contexts/{context}/users/{user}/properties/{name}': admin('path'),
  'DELETE /v1/config/contexts/{context}/users/{user}/properties/{name}': admin('path'),

  'GET /v1/contexts': admin('server'),
  'GET /v1/contexts/{context}': admin('path'),
  'PUT /v1/contexts/{context}': admin('path'),
  'DELETE /v1/contexts/{context}': admin('path'),
  'GET /v1/contexts/{context}/users': admin('path'),
  'GET /v1/contexts/{context}/users/{user}': admin('path'),
  'PUT /v1/contexts/{context}/users/{user}': admin('path'),
  'DELETE /v1/contexts/{context}/users/{user}': admin('path'),

  'GET /v1/deliveries': admin('query'),
  'DELETE /v1/deliveries': admin('query'),
  'POST /v1/deliveries/retry': admin('body'),

  'GET /v1/endpoints': admin('query'),
  'POST /v1/endpoints/enable': admin('body'),

  'POST /v1/secrets/rotate': admin('server'),
};
