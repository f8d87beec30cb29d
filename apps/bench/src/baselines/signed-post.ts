import { createHmac } from 'node:crypto';
import { Pool } from 'undici';

/** A delivery to a webhook as a job of the baselines. */
export interface WebhookJob {
  readonly id: string;
  readonly uri: string;
  readonly context: number;
  readonly user: number;
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** When the notification was accepted, in ms since the epoch. */
  readonly timestamp: number;
}

/**
 * Returns a function that posts a job with the fastest client: an undici Pool of kept connections for each endpoint, and
 * HMACs by node:crypto. The body and its two signatures are the same as ours.
 */
export function signedPosts(signatureSecret: string, connections: number): (job: WebhookJob) => Promise<void> {
  const pools = new Map<string, Pool>();

  function poolOf(origin: string): Pool {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, { connections });
      pools.set(origin, pool);
    }
    return pool;
  }

  function hmac(signed: string, encoding: 'hex' | 'base64'): string {
    return createHmac('sha256', signatureSecret).update(signed).digest(encoding);
  }

  return async ({ id, uri, context, user, topic, payload, timestamp }) => {
    const { origin, pathname } = new URL(uri);
    const body = JSON.stringify({ event: topic, payload: { ...payload, user, context }, timestamp });
    const seconds = Math.floor(Date.now() / 1000);
    const answer = await poolOf(origin).request({
      path: pathname,
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=UTF-8',
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': `v1,${hmac(`${id}.${seconds}.${body}`, 'base64')}`,
        'X-OX-Signature': `t=${timestamp}, v1=${hmac(`v1:${timestamp}:${body}`, 'hex')}`,
      },
      body,
      headersTimeout: 5000,
      bodyTimeout: 5000,
    });
    await answer.body.dump();
    if (answer.statusCode >= 300) throw new Error(`The endpoint answered ${answer.statusCode}.`);
  };
}
