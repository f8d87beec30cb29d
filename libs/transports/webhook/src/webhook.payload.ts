import { createHmac } from 'node:crypto';
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
  const secrets = signingSecrets(options);
  if (secrets.length === 0) return headers;
  headers[options.signatureHeaderName] = oxSignature(secrets, options.version, delivery.timestamp, body);
  headers['webhook-signature'] = secrets
    .map((secret) => standardSignature(secret, delivery.id, nowSeconds, body))
    .join(' ');
  return headers;
}

/**
 * The value of the original's signature header: one `v…=` for each secret, the current secret first. Receivers accept a
 * body if one signature is valid.
 */
export function oxSignature(secrets: readonly string[], version: number, timestamp: number, body: Buffer): string {
  const prefix = `v${version}:${timestamp}:`;
  const signatures = secrets.map((secret) => createHmac('sha256', secret).update(prefix).update(body).digest('hex'));
  return [`t=${timestamp}`, ...signatures.map((signature) => `v${version}=${signature}`)].join(', ');
}

function signingSecrets({ signatureSecret, previousSignatureSecret }: WebhookOptions): string[] {
  return [signatureSecret, previousSignatureSecret].filter((secret) => secret !== undefined);
}

/**
 * A signature of Standard Webhooks (source: "Signature scheme"). A secret that begins with `whsec_` contains the key in base64;
 * any other secret is the key itself. The library that the tests use for comparison is not used here, because it signs in
 * JavaScript, which takes six times as long.
 */
export function standardSignature(secret: string, id: string, timestampSeconds: number, body: Buffer): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
  return `v1,${createHmac('sha256', key).update(`${id}.${timestampSeconds}.`).update(body).digest('base64')}`;
}
