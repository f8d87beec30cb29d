import { createHmac, timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Check } from '../arrivals';

/**
 * Verifies `X-OX-Signature` as a careful receiver does, on purpose without the code that creates it. Blanks after commas are
 * optional. One signature of the header must be valid, and the signed time must be the time in the body.
 */
export function checkOxSignature(header: string | undefined, body: Buffer, secret: string): Check {
  const name = 'X-OX-Signature';
  if (header === undefined) return { name, verdict: 'missing' };
  const parts = header.split(',').map((part) => part.trim());
  const time = parts.map((part) => /^t=(\d+)$/.exec(part)?.[1]).find(Boolean);
  if (time === undefined) return { name, verdict: 'invalid', reason: 'The header has no t=.' };
  const isSigned = parts.some((part) => {
    const [, version, signature = ''] = /^v(\d+)=([0-9a-f]{64})$/.exec(part) ?? [];
    if (version === undefined) return false;
    const expected = createHmac('sha256', secret).update(`v${version}:${time}:`).update(body).digest();
    return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
  });
  if (!isSigned) return { name, verdict: 'invalid', reason: 'No signature of the header fits the body.' };
  if (timeOf(body) !== time)
    return { name, verdict: 'invalid', reason: 'The signed time is not the time in the body.' };
  return { name, verdict: 'valid' };
}

/** Checks the Standard Webhooks headers with the public library that receivers use. */
export function checkStandardWebhook(headers: Record<string, string>, body: Buffer, secret: string): Check {
  const name = 'Standard Webhooks';
  if (headers['webhook-signature'] === undefined) return { name, verdict: 'missing' };
  try {
    const key = secret.startsWith('whsec_') ? new Webhook(secret) : new Webhook(Buffer.from(secret), { format: 'raw' });
    key.verify(body, headers);
    return { name, verdict: 'valid' };
  } catch (error) {
    return { name, verdict: 'invalid', reason: (error as Error).message };
  }
}

function timeOf(body: Buffer): string | undefined {
  try {
    return String((JSON.parse(body.toString()) as { timestamp?: unknown }).timestamp);
  } catch {
    return undefined;
  }
}
