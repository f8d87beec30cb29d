import { errors } from 'undici';
import type { AttemptVerdict } from './endpoints';
import { AnswerTimeoutError, BlockedAddressError } from './guarded-client';
import { codeOf } from './no-answer';

/** The system had no file descriptor or memory for a connection, or its network is down. The endpoint is not the cause. */
const localCodes: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENETDOWN']);

/** The host has no free port, or no address of the endpoint's family, for example IPv6. Other endpoints may be reachable. */
const noAddress = 'EADDRNOTAVAIL';

/**
 * Returns the verdict on a request of `GuardedClient` that got no answer. `farSide` names the endpoint in sentences.
 *
 * @throws `error` if the parameters of the request are invalid. This is a bug in PNS, which a retry does not fix.
 */
export function failedAttempt(error: unknown, farSide: string): AttemptVerdict {
  if (error instanceof BlockedAddressError) {
    return { outcome: { kind: 'rejected', reason: error.message }, isEndpointFailure: false };
  }
  if (error instanceof TypeError || error instanceof errors.InvalidArgumentError) throw error;
  const code = codeOf(error);
  if (code === noAddress || localCodes.has(code)) {
    const reason = `A connection to the ${farSide} could not be opened (${code}).`;
    // The circuit must open for an endpoint that this host cannot reach.
    return { outcome: { kind: 'retry', reason }, isEndpointFailure: code === noAddress, isLocalFault: true };
  }
  const reason =
    error instanceof AnswerTimeoutError ? error.message : `The connection to the ${farSide} failed (${code}).`;
  return { outcome: { kind: 'retry', reason }, isEndpointFailure: true };
}
