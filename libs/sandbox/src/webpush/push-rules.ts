import { codingFault } from './message-encryption';

/** The answer of a push service to a message that it does not accept. */
export interface Refusal {
  readonly status: number;
  /** The number with which Mozilla's push service distinguishes answers of the same status. */
  readonly errno: number;
  readonly message: string;
}

/** The message size that a push service must accept, and the limit of the large services. Source: RFC 8030, section 7.2. */
export const maxMessageBytes = 4096;
/** Four weeks. A longer TTL is reduced to this. */
export const maxTtlSeconds = 2_419_200;

const urgencies = ['very-low', 'low', 'normal', 'high'] as const;

/**
 * The numbers of errors in Mozilla's push service.
 * Source: https://github.com/mozilla-services/autopush-rs/blob/master/autoendpoint/src/error.rs
 */
const errnos = { notFound: 102, gone: 106, tooLarge: 104, authentication: 109, encryption: 110, ttl: 111 } as const;
const invalidTtl = 112;
const invalidTopic = 113;
const backOff = 201;

/** Mozilla's number for an error of which only the status is known. */
export function errnoOf(status: number): number {
  if (status === 401 || status === 403) return errnos.authentication;
  if (status === 404) return errnos.notFound;
  if (status === 410) return errnos.gone;
  if (status === 413) return errnos.tooLarge;
  return status === 429 || status === 503 ? backOff : 0;
}

/**
 * The fault in the headers or the body of a message; undefined if there is none.
 * Source: RFC 8030, section 5, and RFC 8291, section 4.
 */
export function messageFault(headers: Readonly<Record<string, string>>, body: Buffer): Refusal | undefined {
  const bad = (errno: number, message: string): Refusal => ({ status: 400, errno, message });
  const { ttl, topic, urgency } = headers;
  if (ttl === undefined) return bad(errnos.ttl, 'The header TTL is missing');
  if (!/^\d{1,10}$/.test(ttl)) return bad(invalidTtl, 'TTL is not a number of seconds');
  if (topic !== undefined && !/^[A-Za-z0-9_-]{1,32}$/.test(topic)) {
    return bad(invalidTopic, 'Topic is not of 1 to 32 characters of base64url');
  }
  if (urgency !== undefined && !urgencies.some((known) => known === urgency)) {
    return bad(0, `Urgency is none of ${urgencies.join(', ')}`);
  }
  if (body.length > maxMessageBytes) {
    return { status: 413, errno: errnos.tooLarge, message: `The message has more than ${maxMessageBytes} bytes` };
  }
  // A message without content is valid. It only wakes the web app.
  if (body.length === 0) return undefined;
  if (headers['content-encoding'] !== 'aes128gcm') return bad(errnos.encryption, 'Content-Encoding is not aes128gcm');
  const fault = codingFault(body);
  return fault === undefined ? undefined : bad(errnos.encryption, fault);
}
