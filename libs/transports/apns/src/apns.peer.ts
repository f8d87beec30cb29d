import type { Http2Answer, Http2Peer, Http2Times } from '@pns/http-client';
import { type ApnsAnswer, documentedVerdict } from './apns.outcome';

/** A dead connection is closed within 12.5 s: 5 s of silence, at most 2.5 s until the next check, and 5 s for the PONG. */
export const defaultTimes: Http2Times = {
  answerMs: 15_000,
  connectMs: 10_000,
  silentMs: 5000,
  idleMs: 60_000,
  pongMs: 5000,
};

/** The most open connections of a client, including connections that are about to close. */
const maxConnections = 2;

/**
 * Apple's rules for connections. Source: "Sending notification requests to APNs",
 * https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
 */
export const apple: Omit<Http2Peer, 'origin'> = {
  name: 'Apple',
  maxConnections,
  // Half of the streams that Apple allows.
  usualStreams: 500,
  whenIdle: 'ping',
  // The answer to an accepted push has no body.
  readsBody: (status) => status !== 200,
  // After credentials were refused, the next pushes need a new connection.
  endsConnection: (status) => status === 403,
  goAwayReason: (data) => {
    const { reason } = saidIn(data);
    return reason === undefined
      ? undefined
      : { reason, isAboutCredentials: documentedVerdict(403, reason) === 'misconfigured' };
  },
};

/** Apple's answer with the reason from its body. An answer that broke off has no reason, so its status decides the outcome. */
export function apnsAnswer({ status, body, retryAfter }: Http2Answer): ApnsAnswer {
  const said = status === 200 ? {} : saidIn(body);
  return { status, ...said, ...(retryAfter !== undefined && { retryAfter }) };
}

/** Parses the JSON in the answer to a refused push, or in a GOAWAY. */
function saidIn(json: string): Pick<ApnsAnswer, 'reason' | 'timestamp'> {
  try {
    const { reason, timestamp } = JSON.parse(json) as { reason?: unknown; timestamp?: unknown };
    return {
      ...(typeof reason === 'string' && reason !== '' && { reason }),
      ...(typeof timestamp === 'number' && { timestamp }),
    };
  } catch {
    return {};
  }
}
