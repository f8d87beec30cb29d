import { Buffer } from 'node:buffer';
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The id of a request that is signed as in Standard Webhooks, else undefined. The id is part of the signed text.
 *
 * `headers` are from node:http, `body` is a Buffer with the exact bytes, `secrets` are the accepted secrets, `now` is in ms.
 */
export function standardId({ headers, body, secrets, now = Date.now(), toleranceSeconds = 300 }) {
  const { 'webhook-id': id, 'webhook-timestamp': time = '', 'webhook-signature': signatures = '' } = headers;
  if (!id || !isNear(time, now / 1000, toleranceSeconds)) return undefined;
  const given = signatures.split(' ').filter((each) => each.startsWith('v1,'));
  const expected = keysIn(secrets.map(standardKey)).map((key) => hmac(key, `${id}.${time}.`, body).toString('base64'));
  return isAnyEqual(
    given.map((each) => each.slice('v1,'.length)),
    expected,
  )
    ? id
    : undefined;
}

/**
 * The id of a request that is signed with X-OX-Signature, else undefined. The id is a digest of the body, because this signature
 * does not cover `webhook-id`. The signed time is the time of the notification, and the last retry is made about a day later, so
 * the tolerance is two days.
 */
export function oxId({ headers, body, secrets, now = Date.now(), toleranceSeconds = 172_800 }) {
  const parts = (headers['x-ox-signature'] ?? '').split(',').map((part) => part.trim());
  const time = parts[0].startsWith('t=') ? parts[0].slice('t='.length) : '';
  if (!isNear(time, now, toleranceSeconds * 1000)) return undefined;
  const given = parts.filter((part) => part.startsWith('v1=')).map((part) => part.slice('v1='.length));
  const expected = keysIn(secrets).map((key) => hmac(key, `v1:${time}:`, body).toString('hex'));
  return isAnyEqual(given, expected) ? createHash('sha256').update(body).digest('hex') : undefined;
}

/** Whether a secret contains a key. Everybody can sign with an empty key, for example the key of `whsec_`. */
export function hasKey(secret) {
  return keysIn([standardKey(secret)]).length > 0;
}

function keysIn(keys) {
  return keys.filter((key) => key.length > 0);
}

function isNear(time, now, tolerance) {
  return /^\d{1,15}$/.test(time) && Math.abs(now - Number(time)) <= tolerance;
}

/** `whsec_` precedes a key in base64. Any other secret is the key itself. */
function standardKey(secret) {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
}

function hmac(key, prefix, body) {
  return createHmac('sha256', key).update(prefix).update(body).digest();
}

/** Whether a given text equals an expected text. The time does not depend on where the texts differ. */
function isAnyEqual(given, expected) {
  return given.some((one) => expected.some((other) => isEqual(Buffer.from(one), Buffer.from(other))));
}

function isEqual(one, other) {
  return one.length === other.length && timingSafeEqual(one, other);
}
