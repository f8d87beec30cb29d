import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Arrival, type Arrivals, type Check, headersOf } from '../arrivals';
import type { Faults } from '../faults';
import { type ShownMessage, shownOf } from './declarative-message';
import { type WebpushFault, webpushFault } from './webpush-fault';
import { type WebpushProvider, webpushProvider } from './webpush-provider';
import type { WebpushSubscription } from './webpush-subscription';

const token = z.string().regex(/^[A-Za-z0-9_-]{1,200}$/);
const ofSubscription = z.object({ token });
const pushesQuery = z.object({
  token,
  since: z.coerce.number().int().min(0).default(0),
  waitMs: z.coerce.number().int().min(0).max(60_000).default(0),
});
const newSubscription = z.strictObject({
  /** An uncompressed point in base64url; only the holder of its private key may send. */
  applicationServerKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]{87}$/)
    .optional(),
  token: token.optional(),
});

/** One message, as JSON. */
interface WebpushPushView {
  readonly seq: number;
  readonly at: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The decrypted text; absent if it could not be decrypted. */
  readonly text?: string;
  /** The content that a user agent shows for a declarative message. */
  readonly shown?: ShownMessage;
  readonly checks: readonly Check[];
  readonly answer: Arrival['answer'];
  readonly isDuplicate: boolean;
}

/** Routes for tests and the page: subscriptions of the user agent, their messages, and faults of the push service. */
export function webpushRoutes(app: FastifyInstance, provider: WebpushProvider, arrivals: Arrivals): void {
  const found = (given: unknown): WebpushSubscription => {
    const subscription = provider.subscription(ofSubscription.parse(given).token);
    if (subscription !== undefined) return subscription;
    throw Object.assign(new Error('There is no such subscription.'), { statusCode: 404 });
  };
  const chosenFaults = (given: unknown): Faults<WebpushFault> =>
    z.object({ token: token.optional() }).parse(given).token === undefined ? provider.faults : found(given).faults;

  app.get('/webpush', () => ({ endpoint: provider.url, connections: provider.connections }));
  app.put('/webpush/faults', (request) => {
    const faults = chosenFaults(request.query);
    faults.set(webpushFault.parse(request.body));
    return faults.current;
  });
  app.delete('/webpush/faults', (request, reply) => {
    chosenFaults(request.query).set({});
    return reply.code(204).send();
  });

  app.get('/webpush/subscriptions', () =>
    provider.known().map((subscription) => {
      const { token, applicationServerKey, state } = subscription;
      return { token, endpoint: provider.endpointOf(subscription), applicationServerKey, ...state };
    }),
  );
  app.post('/webpush/subscriptions', (request, reply) => {
    const { applicationServerKey, token } = newSubscription.parse(request.body ?? {});
    return reply.code(201).send({ pushSubscription: provider.subscribe(applicationServerKey, token) });
  });
  app.delete('/webpush/subscriptions', (request, reply) => {
    found(request.query).isEnded = true;
    return reply.code(204).send();
  });

  app.get('/webpush/pushes', async (request) => {
    const { since, waitMs } = pushesQuery.parse(request.query);
    const subscription = found(request.query);
    const isOurs = ({ provider: name, target }: Arrival): boolean =>
      name === webpushProvider && target === subscription.token;
    const come = (): Arrival[] => arrivals.since(Math.max(since, subscription.clearedSeq), isOurs);
    if (come().length === 0 && waitMs > 0) await arrivals.next(isOurs, waitMs);
    const items = come();
    return { ...subscription.state, items: items.map(pushView), nextSince: items.at(-1)?.seq ?? since };
  });
  app.delete('/webpush/pushes', (request, reply) => {
    found(request.query).clear(arrivals.lastSeq);
    return reply.code(204).send();
  });
}

function pushView({ seq, at, request, decryptedBody, answer, isDuplicate, checks = [] }: Arrival): WebpushPushView {
  const isShown = checks.some(({ name, verdict }) => name === 'payload' && verdict === 'valid');
  return {
    seq,
    at,
    headers: headersOf(request),
    ...(decryptedBody !== undefined && { text: decryptedBody }),
    ...(isShown && { shown: shownOf(decryptedBody ?? '') }),
    checks,
    answer,
    isDuplicate,
  };
}
