import { errors } from 'undici';
import type { AttemptVerdict } from './endpoints';
import { AnswerTimeoutError, BlockedAddressError } from './guarded-client';
import { codeOf } from './no-answer';

/** The system had no file, port or memory for a connection, or the host has no network. The endpoint is not the cause. */
const localCodes: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'ENETDOWN']);

/**
 * The verdict for a request of `GuardedClient` without an answer. `farSide` names the endpoint in sentences.
 *
 * @throws `error` if the request could not be written. This is a bug in PNS, which a retry does not fix.
 */
export function failedAttempt(error: unknown, farSide: string): AttemptVerdict {
  if (error instanceof BlockedAddressError) {
    return { outcome: { kind: 'rejected', reason: error.message }, isEndpointFailure: false };
  }
  if (error instanceof TypeError || error instanceof errors.InvalidArgumentError) throw error;
  if (localCodes.has(codeOf(error))) {
    const reason = `A connection to the ${farSide} could not be opened (${codeOf(error)}).`;
    return { outcome: { kind: 'retry', reason }, isEndpointFailure: false, isLocalFault: true };
  }
  const reason =
    error instanceof AnswerTimeoutError ? error.message : `The connection to the ${farSide} failed (${codeOf(error)}).`;
  return { outcome: { kind: 'retry', reason }, isEndpointFailure: true };
}
