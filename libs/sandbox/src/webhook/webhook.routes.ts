import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Arrival, type Arrivals, bodyOf, type Check, headersOf } from '../arrivals';
import { fault } from './fault';
import type { WebhookBox } from './webhook-box';
import { webhookProvider, type WebhookReceiver } from './webhook-receiver';

const params = z.object({ name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/) });
const query = z.object({
  since: z.coerce.number().int().min(0).default(0),
  waitMs: z.coerce.number().int().min(0).max(60_000).default(0),
});
const secret = z.strictObject({ signatureSecret: z.string().min(1) });

/** One arrival at a webhook, as JSON. */
export interface WebhookArrivalView {
  readonly seq: number;
  readonly at: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body of the request as text, not parsed. */
  readonly body: string;
  readonly oxSignature: Check['verdict'];
  readonly standardWebhooks: Check['verdict'];
  readonly answer: Arrival['answer'];
  readonly isDuplicate: boolean;
}

/** The answer to `GET /webhooks/<name>/arrivals`. */
export interface WebhookArrivalsView {
  /** The number of all requests, including requests that are no longer kept. */
  readonly total: number;
  /** The number of different ids that were answered with success. */
  readonly accepted: number;
  /** The number of requests whose id was accepted before. */
  readonly duplicates: number;
  readonly items: readonly WebhookArrivalView[];
  /** The value for the next `since`. */
  readonly nextSince: number;
}

/** Routes for tests and the page: arrivals and faults of a simulated webhook. */
export function webhookRoutes(app: FastifyInstance, receiver: WebhookReceiver, arrivals: Arrivals): void {
  const boxOf = (given: unknown): WebhookBox => receiver.box(params.parse(given).name);

  app.get('/webhooks', () => receiver.known().map(({ name, state }) => ({ name, ...state })));

  app.get('/webhooks/:name/arrivals', async (request) => {
    const box = boxOf(request.params);
    const { since, waitMs } = query.parse(request.query);
    const isOurs = (each: Arrival): boolean => each.provider === webhookProvider && each.target === box.name;
    const items = (): Arrival[] => arrivals.since(Math.max(since, box.clearedSeq), isOurs);
    let found = items();
    if (found.length === 0 && waitMs > 0) {
      await arrivals.next(isOurs, waitMs);
      found = items();
    }
    return arrivalsView(box, found, since);
  });

  app.delete('/webhooks/:name/arrivals', (request, reply) => {
    boxOf(request.params).clear(arrivals.lastSeq);
    return reply.code(204).send();
  });

  app.get('/webhooks/:name/faults', (request) => boxOf(request.params).currentFault);
  app.put('/webhooks/:name/faults', (request) => {
    const box = boxOf(request.params);
    box.misbehave(fault.parse(request.body));
    return box.currentFault;
  });
  app.delete('/webhooks/:name/faults', (request, reply) => {
    boxOf(request.params).misbehave({});
    return reply.code(204).send();
  });

  app.put('/webhooks/:name/secret', (request, reply) => {
    boxOf(request.params).signatureSecret = secret.parse(request.body).signatureSecret;
    return reply.code(204).send();
  });
}

function arrivalsView(box: WebhookBox, found: readonly Arrival[], since: number): WebhookArrivalsView {
  const { total, accepted, duplicates } = box;
  return { total, accepted, duplicates, items: found.map(arrivalView), nextSince: found.at(-1)?.seq ?? since };
}

function arrivalView({ seq, at, request, checks = [], answer, isDuplicate }: Arrival): WebhookArrivalView {
  const [oxSignature = 'missing', standardWebhooks = 'missing'] = checks.map(({ verdict }) => verdict);
  const body = bodyOf(request).toString();
  return {
    seq,
    at,
    path: request.path,
    headers: headersOf(request),
    body,
    oxSignature,
    standardWebhooks,
    answer,
    isDuplicate,
  };
}
