import { applyDecorators } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBasicAuth, ApiBearerAuth, ApiExtension } from '@nestjs/swagger';
import type { ApiScope } from '@pns/persistence';
import type { Session } from '@pns/sessions';
import type { FastifyContextConfig } from 'fastify';
import { ApiProblems } from '../http/api-problems';
import '../audit/audit.hook'; // both for the routes' config
import './context-access';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller needs one of to use the route. */
    readonly scopes?: readonly ApiScope[];
    /** Instead of an API key the route takes a session token; its handler finds the session in the request. */
    readonly takesSessions?: boolean;
  }
  interface FastifyRequest {
    /** Whose session token it carries, on routes that take session tokens. */
    session?: Session;
  }
}

/** What more is to be said of a route. */
export type RouteAccess = Partial<
  Pick<
    FastifyContextConfig,
    'takesNdjson' | 'contextIn' | 'auditedAs' | 'maxBodyBytes' | 'readBody' | 'retryAfterSeconds'
  >
>;

/** Lets a route be used with an API key that has one of `scopes`. */
export function RequiresScope(...scopes: readonly [ApiScope, ...ApiScope[]]): MethodDecorator {
  return access({ scopes });
}

/** The same for a route of which there is more to say: where it names its context, for one. */
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
