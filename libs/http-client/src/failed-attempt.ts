import { errors } from 'undici';
import type { AttemptVerdict } from './endpoints';
import { AnswerTimeoutError, BlockedAddressError } from './guarded-client';
import { codeOf } from './no-answer';

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
  const reason =
    error instanceof AnswerTimeoutError ? error.message : `The connection to the ${farSide} failed (${codeOf(error)}).`;
  return { outcome: { kind: 'retry', reason }, isEndpointFailure: true };
}
