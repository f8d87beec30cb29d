import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { isForOperator, type Delivery } from '@pns/transport-contract';
import { authorizationHeader } from './webhook.credentials';
import type { WebhookOptions } from './webhook.options';

/** The exact body of a delivery's request. Every attempt sends the same body. */
export function webhookBody(delivery: Delivery): string {
  const { email1, sourceToken } = delivery;
  // Spread syntax would be slower: its copy has no room for more fields, so that adding the fields below would take twice the
  // time of this whole function in V8.
  const payload: Record<string, unknown> = Object.assign({}, delivery.payload);
  if (delivery.count > 1) payload['count'] = delivery.count;
  if (!isForOperator(delivery)) {
    payload['user'] = delivery.user;
    payload['context'] = delivery.context;
  }
  if (email1 !== undefined) payload['email1'] = email1;
  if (sourceToken !== undefined) payload['sourceToken'] = sourceToken;
  return JSON.stringify({ event: delivery.topic, payload, timestamp: delivery.timestamp });
}

/**
 * The headers of one attempt, made at `now` (ms since the epoch). A receiver of configured secrets or of a valid
 * signature could act in our name, so both are left out unless the target is trusted. The subscription's own
 * `Authorization` is sent to any target, instead of the configured one.
 */
export function webhookHeaders(
  delivery: Delivery,
  body: Buffer,
  options: WebhookOptions,
  isTrusted: boolean,
  now: number,
  ownAuthorization?: string,
): Record<string, string> {
  const nowSeconds = Math.floor(now / 1000);
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=UTF-8',
    'user-agent': 'Open-Xchange Webhook Client',
    'webhook-id': delivery.id,
    'webhook-timestamp': String(nowSeconds),
  };
  if (delivery.traceparent !== undefined) {
    headers['traceparent'] = delivery.traceparent;
    // Only for trusted targets: `tracestate` may contain facts about the operator's systems, and users choose all other URIs.
    if (isTrusted && delivery.tracestate !== undefined) headers['tracestate'] = delivery.tracestate;
  }
  const authorization = ownAuthorization ?? (isTrusted ? authorizationHeader(options) : undefined);
  if (authorization !== undefined) headers['authorization'] = authorization;
  if (!isTrusted) return headers;
  const keys = signingKeys(options);
  if (keys.ox.length === 0) return headers;
  headers[options.signatureHeaderName] = oxSignature(keys.ox, options.version, delivery.timestamp, body);
  headers['webhook-signature'] = keys.standard
    .map((key) => standardSignature(key, delivery.id, nowSeconds, body))
    .join(' ');
  return headers;
}

/**
 * The value of the original's signature header: one `v…=` for each key, the current key first. Receivers accept a
 * body if one signature is valid.
 */
export function oxSignature(keys: readonly KeyObject[], version: number, timestamp: number, body: Buffer): string {
  const prefix = `v${version}:${timestamp}:`;
  const signatures = keys.map((key) => createHmac('sha256', key).update(prefix).update(body).digest('hex'));
  return [`t=${timestamp}`, ...signatures.map((signature) => `v${version}=${signature}`)].join(', ');
}

/** The keys of a webhook's secrets for both kinds of signature, the current key first. */
interface SigningKeys {
  readonly ox: readonly KeyObject[];
  readonly standard: readonly KeyObject[];
}

/** Kept, because a key that is made for each signature takes a fifth of the time of a signature. */
const keysByOptions = new WeakMap<WebhookOptions, SigningKeys>();

function signingKeys(options: WebhookOptions): SigningKeys {
  const known = keysByOptions.get(options);
  if (known !== undefined) return known;
  const { signatureSecret, previousSignatureSecret } = options;
  const secrets = [signatureSecret, previousSignatureSecret].filter((secret) => secret !== undefined);
  const keys = { ox: secrets.map(oxKey), standard: secrets.map(standardKey) };
  keysByOptions.set(options, keys);
  return keys;
}

/** The key of a secret in the original's signatures. */
export function oxKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret));
}

/**
 * The key of a secret in Standard Webhooks (source: "Signature scheme"). A secret that begins with `whsec_` contains the key in
 * base64; any other secret is the key itself.
 */
export function standardKey(secret: string): KeyObject {
  return secret.startsWith('whsec_')
    ? createSecretKey(Buffer.from(secret.slice('whsec_'.length), 'base64'))
    : oxKey(secret);
}

/**
 * A signature of Standard Webhooks (source: "Signature scheme"). The library that the tests use for comparison is not used here,
 * because it signs in JavaScript, which takes six times as long.
 */
export function standardSignature(key: KeyObject, id: string, timestampSeconds: number, body: Buffer): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestampSeconds}.`).update(body).digest('base64')}`;
}
