import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Arrival, type Arrivals, bodyOf, headersOf } from './arrivals';
import { answerOf, call, type Demo, someone } from './demo';
import type { DemoApp } from './demo-apps';

/** A notification in the history of the API, with the fields by which the notification of an arrival is found. */
interface Recorded {
  readonly id: string;
  readonly received: string;
  readonly joinedInto?: string;
  readonly deliveries: readonly {
    readonly id?: string;
    readonly transport: string;
    readonly client: string;
    readonly attempts: readonly { readonly at: string; readonly durationMs: number }[];
  }[];
}

/** The history that belongs to a card of the page. */
interface Shown {
  readonly notification: Recorded;
  /** The id of the delivery that arrived. */
  readonly delivery?: string | undefined;
  /** The notifications that were joined into this one. */
  readonly joined: readonly { readonly id: string; readonly received: string }[];
}

/** The most notifications of a user that are searched for the notification of an arrival. */
const maxSearched = 100;

/** The largest error of a time in the history, because the history contains whole milliseconds. */
const roundingMs = 1;

const path = z.object({ seq: z.coerce.number().int() });
const named = z.object({ id: z.string().max(255) });

/**
 * Adds routes by which the page reads the history of a notification: by the arrival of the notification, or by its id if it was
 * sent to the user of the demonstration. The API key stays in this process.
 */
export function historyRoutes(
  app: FastifyInstance,
  demo: Demo | undefined,
  arrivals: Arrivals,
  apps: readonly DemoApp[],
): void {
  if (demo === undefined) return;
  const notFound = { error: 'The history contains no notification of this arrival yet.' };

  app.get('/demo/arrivals/:seq/history', (request, reply) => {
    const arrival = arrivals.kept(path.parse(request.params).seq);
    if (arrival === undefined) return reply.code(404).send({ error: 'This arrival was forgotten.' });
    return answerOf(reply, async () => {
      const recorded = await recordedBefore(demo, ownerOf(arrival), arrival.at);
      return shownFor(recorded, (delivery) => isOf(delivery, arrival, apps)) ?? reply.code(404).send(notFound);
    });
  });

  app.get('/demo/notifications/:id/history', (request, reply) => {
    const { id } = named.parse(request.params);
    return answerOf(reply, async () => {
      const recorded = await recordedBefore(demo, someone, Date.now());
      const sent = recorded.find((each) => each.id === id)?.joinedInto ?? id;
      const own = recorded.filter((each) => each.id === sent || each.joinedInto === sent);
      return shownFor(own, ({ transport }) => transport === 'websocket') ?? reply.code(404).send(notFound);
    });
  });
}

/** The notifications of a user that were accepted until `time`, newest first. */
async function recordedBefore(
  demo: Demo,
  { context, user }: { context: number; user: number },
  time: number,
): Promise<readonly Recorded[]> {
  const until = new Date(time + roundingMs).toISOString();
  const query = `context=${context}&user=${user}&until=${until}&limit=${maxSearched}`;
  return ((await call(demo, 'GET', `/v1/notifications?${query}`)) as { items: readonly Recorded[] }).items;
}

type RecordedDelivery = Recorded['deliveries'][number];

/** The history of the newest notification that was sent and has a matching delivery. */
function shownFor(recorded: readonly Recorded[], isMeant: (delivery: RecordedDelivery) => boolean): Shown | undefined {
  for (const notification of recorded) {
    if (notification.joinedInto !== undefined) continue;
    const delivery = notification.deliveries.find(isMeant);
    if (delivery === undefined) continue;
    const joined = recorded.filter(({ joinedInto }) => joinedInto === notification.id);
    return {
      notification,
      delivery: delivery.id,
      joined: joined.map(({ id, received }) => ({ id, received })).reverse(),
    };
  }
  return undefined;
}

const owner = z.object({ payload: z.object({ context: z.coerce.number().int(), user: z.coerce.number().int() }) });

/** The user of an arrival: for a webhook the user in its body. All other targets belong to the user of the demonstration. */
function ownerOf(arrival: Arrival): { context: number; user: number } {
  const { data } = owner.safeParse(jsonOf(arrival));
  return data?.payload ?? someone;
}

/**
 * Whether the arrival is an attempt of the delivery. Requests to Apple and Microsoft contain no id of a delivery, only hashes.
 * For such requests the time of the attempt decides, so two pushes at the same time may be confused.
 */
function isOf(delivery: RecordedDelivery, arrival: Arrival, apps: readonly DemoApp[]): boolean {
  if (delivery.transport !== arrival.provider) return false;
  const id = deliveryIdOf(arrival);
  if (id !== undefined) return delivery.id === id;
  const app = apps.find(({ token }) => token === arrival.target);
  if (app !== undefined && app.client !== delivery.client) return false;
  return delivery.attempts.some(({ at, durationMs }) => {
    const startedAt = Date.parse(at) - roundingMs;
    return startedAt <= arrival.at && arrival.at <= startedAt + durationMs + 2 * roundingMs;
  });
}

const idSchemas = [
  z.object({ id: z.string() }).transform(({ id }) => id), // Web Push
  z
    .object({ message: z.object({ data: z.object({ pns_id: z.string() }) }) })
    .transform(({ message }) => message.data.pns_id),
];

/** The id of the delivery; undefined if the request does not contain it. */
function deliveryIdOf(arrival: Arrival): string | undefined {
  const ofWebhook = headersOf(arrival.request)['webhook-id'];
  if (ofWebhook !== undefined) return ofWebhook;
  if (arrival.provider === 'apns') return undefined;
  return idSchemas.map((schema) => schema.safeParse(jsonOf(arrival)).data).find((id) => id !== undefined);
}

function jsonOf({ decryptedBody, request }: Arrival): unknown {
  try {
    return JSON.parse(decryptedBody ?? bodyOf(request).toString());
  } catch {
    return undefined;
  }
}
