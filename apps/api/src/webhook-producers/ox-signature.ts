import { createHmac, timingSafeEqual } from 'node:crypto';

/** Longest difference between the time in a signature and the clock of this process, in ms. */
export const signatureToleranceMs = 5 * 60_000;

/**
 * The longest time in which the same signature is accepted, in ms. The signed time may first be ahead of the clock by the
 * tolerance, and later behind it by the tolerance. The clocks of two processes may differ by a minute.
 */
export const repeatableForMs = 2 * signatureToleranceMs + 60_000;

/** Maximum number of signatures in one header. Producers send one signature for each of their secrets. */
const maxSignatures = 10;

/** The parts of a signature header that has the right format. */
export interface SignatureHeader {
  /** In ms since the epoch, as text, because the signature covers the text. */
  readonly timestamp: string;
  /** HMAC-SHA256 of `v<version>:<timestamp>:<body>`, in bytes. */
  readonly signatures: readonly Buffer[];
}

/**
 * Reads `t=<ms>, v1=<hex>`, in which the signature may occur several times and the blank may be missing; undefined for another
 * format, or without a signature of `version`.
 */
export function readSignatureHeader(header: string, version: number): SignatureHeader | undefined {
  if (header.length > 4096) return undefined;
  const times: string[] = [];
  const signatures: Buffer[] = [];
  for (const part of header.split(',')) {
    const [, name, value = ''] = /^\s*(t|v[1-9]\d{0,3})=([0-9A-Fa-f]{1,128})\s*$/.exec(part) ?? [];
    if (name === undefined) return undefined;
    if (name === 't') times.push(value);
    else if (name === `v${version}` && value.length === 64) signatures.push(Buffer.from(value, 'hex'));
  }
  const [timestamp] = times;
  if (timestamp === undefined || times.length > 1 || !/^[1-9]\d{0,14}$/.test(timestamp)) return undefined;
  return signatures.length === 0 || signatures.length > maxSignatures ? undefined : { timestamp, signatures };
}

/** Whether the signed time is near `now`, in ms since the epoch. */
export function isRecent({ timestamp }: SignatureHeader, now: number): boolean {
  return Math.abs(Number(timestamp) - now) <= signatureToleranceMs;
}

/**
 * Whether one signature is valid for `body` and one of `secrets`. The time does not depend on which signature or secret matches.
 */
export function isSigned(
  { timestamp, signatures }: SignatureHeader,
  body: Buffer,
  secrets: readonly string[],
  version: number,
): boolean {
  let isValid = false;
  for (const secret of secrets) {
    const expected = createHmac('sha256', secret).update(`v${version}:${timestamp}:`).update(body).digest();
    for (const signature of signatures) isValid = timingSafeEqual(expected, signature) || isValid;
  }
  return isValid;
}
