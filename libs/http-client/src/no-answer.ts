import type { Outcome } from '@pns/transport-contract';

/** What a missing answer means for a delivery. */
export type NoAnswer = Extract<Outcome, { kind: 'retry' | 'misconfigured' }>;

/** There is no answer of the far side to judge; `outcome` is what that means for the delivery. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';

  constructor(
    readonly outcome: NoAnswer,
    options?: ErrorOptions,
  ) {
    super(outcome.reason, options);
  }
}

/** No answer in time, or no stream to send on. `peer` is the name of the far side in sentences. */
export function lateAnswer(peer: string, afterMs: number): NoAnswerError {
  return new NoAnswerError({ kind: 'retry', reason: `${peer} did not answer within ${afterMs} ms.` });
}

/** A connect failed recently, and the next one is not made before `afterMs` have passed. Nothing was sent. */
export function deferredConnect(peer: string, afterMs: number): NoAnswerError {
  const reason = `Connecting to ${peer} failed repeatedly and is not tried for a while.`;
  return new NoAnswerError({ kind: 'retry', reason, afterMs, isDeferred: true });
}

/**
 * A connection could not be made, or broke. `code` is of the system, of TLS or of HTTP/2, and never a message, which would show
 * addresses. `said` is the reason in the peer's GOAWAY.
 */
export function failedConnection(peer: string, code: string, said?: GoAwayReason): NoAnswerError {
  const isAboutCredentials = isCertificateAlert(code) || said?.isAboutCredentials === true;
  const reason = `The connection to ${peer} failed (${said?.reason ?? code}).`;
  return new NoAnswerError({ kind: isAboutCredentials ? 'misconfigured' : 'retry', reason });
}

/** Why a peer closes a connection, as its GOAWAY says. */
export interface GoAwayReason {
  readonly reason: string;
  /** Whether the peer refuses our credentials. */
  readonly isAboutCredentials: boolean;
}

/** Whether the peer refuses our certificate in an alert of TLS. */
function isCertificateAlert(code: string): boolean {
  return /^ERR_SSL_.*ALERT.*(?:CERT|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)/.test(code);
}

/** The error's code and never its message, which would show addresses and names. */
export function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name);
}
