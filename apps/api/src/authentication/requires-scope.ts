import { applyDecorators } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBasicAuth, ApiBearerAuth, ApiExtension } from '@nestjs/swagger';
import type { ApiScope } from '@pns/persistence';
import type { Session } from '@pns/sessions';
import type { FastifyContextConfig } from 'fastify';
import { ApiProblems } from '../http/api-problems';
import '../audit/audit.hook'; // this and the next two imports extend the type of a route's config
import '../clients/page-origins.hook';
import './context-access';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The caller needs one of these scopes. */
    readonly scopes?: readonly ApiScope[];
    /** Whether the route takes a session token instead of an API key; the handler reads `request.session`. */
    readonly takesSessions?: boolean;
    /** Whether the route takes session tokens beside API keys, as the parameter `session` or as a bearer token. */
    readonly alsoTakesSessions?: boolean;
    /** Whether browsers ask the user for an API key, which they send as the password of Basic. */
    readonly asksBrowsers?: boolean;
    /** Whether the route needs no credentials. */
    readonly isOpen?: boolean;
  }
  interface FastifyRequest {
    /** The session of the request, on routes that take session tokens. */
    session?: Session;
  }
}

/** Optional settings of a route besides its scopes. */
type RouteAccess = Partial<
  Pick<
    FastifyContextConfig,
    | 'takesNdjson'
    | 'takesCloudEvents'
    | 'contextIn'
    | 'auditedAs'
    | 'maxBodyBytes'
    | 'readBody'
    | 'retryAfterSeconds'
    | 'alsoTakesSessions'
    | 'allowsPages'
  >
>;

/** Allows a route for API keys with one of `scopes`. */
export function RequiresScope(...scopes: readonly [ApiScope, ...ApiScope[]]): MethodDecorator {
  return access({ scopes });
}

/** Like `RequiresScope`, with further settings, for example where the route names its context. */
export function Requires(scope: ApiScope | readonly [ApiScope, ...ApiScope[]], more: RouteAccess): MethodDecorator {
  return access({ scopes: [scope].flat(), ...more });
}

function access(config: FastifyContextConfig & { readonly scopes: readonly ApiScope[] }): MethodDecorator {
  return applyDecorators(
    RouteConfig(config),
    ApiBearerAuth(),
    ApiBasicAuth(),
    ApiExtension('x-scopes', config.scopes),
    ...(config.contextIn === undefined ? [] : [ApiExtension('x-context-in', config.contextIn)]),
    ApiProblems('API_KEY_MISSING', 'API_KEY_UNKNOWN', 'API_KEY_EXPIRED', 'SCOPE_MISSING', 'CONTEXT_REFUSED'),
    ApiProblems('RATE_LIMITED', 'DATABASE_UNREACHABLE', 'INTERNAL'),
  );
}
