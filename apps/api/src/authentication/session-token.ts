import { PnsError } from '@pns/runtime';
import type { Session, SessionTokens } from '@pns/sessions';
import type { FastifyRequest } from 'fastify';
import { presentedKey } from './authenticator';

/**
 * The session of the token in the parameter `session` or in the bearer token.
 *
 * @throws PnsError `SESSION_MISSING`, and the errors of `SessionTokens.verify`
 */
export async function sessionOf(sessions: SessionTokens, { query, headers }: FastifyRequest): Promise<Session> {
  const { session } = query as { readonly session?: unknown };
  const token = typeof session === 'string' && session !== '' ? session : presentedKey(headers.authorization);
  if (token !== undefined) return sessions.verify(token);
  const sentence = 'Send a session token as the parameter session, or as Authorization: Bearer.';
  throw new PnsError('SESSION_MISSING', sentence);
}

/** Whether a request carries a session token: as the parameter `session`, or as a bearer token that is a JSON Web Token. */
export function hasSessionToken({ query, headers }: FastifyRequest): boolean {
  const { session } = query as { readonly session?: unknown };
  if (typeof session === 'string' && session !== '') return true;
  return /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(presentedKey(headers.authorization) ?? '');
}
