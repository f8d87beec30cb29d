import { PnsError } from '@pns/runtime';
import type { Session, SessionTokens } from '@pns/sessions';
import type { FastifyRequest } from 'fastify';
import { presentedKey } from './authenticator';

/**
 * The session whose token a request carries, as the parameter `session` or as a bearer token.
 *
 * @throws PnsError `SESSION_MISSING`, and as `SessionTokens.verify`
 */
export async function sessionOf(sessions: SessionTokens, { query, headers }: FastifyRequest): Promise<Session> {
  const { session } = query as { readonly session?: unknown };
  const token = typeof session === 'string' && session !== '' ? session : presentedKey(headers.authorization);
  if (token !== undefined) return sessions.verify(token);
  const sentence = 'Send a session token as the parameter session, or as Authorization: Bearer.';
  throw new PnsError('SESSION_MISSING', sentence);
}
