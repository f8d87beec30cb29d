import type { Outcome } from '@pns/transport-contract';

/** The outcome of a delivery without an answer. */
export type NoAnswer = Extract<Outcome, { kind: 'retry' | 'misconfigured' }>;

/** The provider sent no answer. `outcome` is the outcome of the delivery. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';

  constructor(
    readonly outcome: NoAnswer,
    options?: ErrorOptions,
  ) {
    super(outcome.reason, options);
  }
}

/** Returns the error for no answer, or no free stream, in time. `peer` is the name of the provider in sentences. */
export function lateAnswer(peer: string, afterMs: number): NoAnswerError {
  return new NoAnswerError({ kind: 'retry', reason: `${peer} did not answer within ${afterMs} ms.` });
}

/** Returns the error for a request in the pause after failed connects. The pause ends after `afterMs`. Nothing was sent. */
export function deferredConnect(peer: string, afterMs: number): NoAnswerError {
  const reason = `Connecting to ${peer} failed repeatedly and is not tried for a while.`;
  return new NoAnswerError({ kind: 'retry', reason, afterMs, isDeferred: true });
}

/**
 * Returns the error for a connection that could not be opened, or broke. `code` is an error code of the system, of TLS or of
 * HTTP/2. It is never a message, because messages contain addresses. `said` is the reason in the peer's GOAWAY.
 */
export function failedConnection(peer: string, code: string, said?: GoAwayReason): NoAnswerError {
  const isAboutCredentials = isCertificateAlert(code) || said?.isAboutCredentials === true;
  const reason = `The connection to ${peer} failed (${said?.reason ?? code}).`;
  return new NoAnswerError({ kind: isAboutCredentials ? 'misconfigured' : 'retry', reason });
}

/** Why a peer closes a connection, from its GOAWAY. */
export interface GoAwayReason {
  readonly reason: string;
  /** Whether the peer refuses our credentials. */
  readonly isAboutCredentials: boolean;
}

/** Whether the peer refuses our certificate with an alert of TLS. */
function isCertificateAlert(code: string): boolean {
  return /^ERR_SSL_.*ALERT.*(?:CERT|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)/.test(code);
}

/** The code of the error, or its name if it has no code. Never the message, which may contain addresses and host names. */
export function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name);
}
