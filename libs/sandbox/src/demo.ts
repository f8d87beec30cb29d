import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { cutText, ellipsis } from '@pns/payloads';
import { z } from 'zod';
import type { DemoApp } from './demo-apps';

/** The API of PNS and an API key with every scope. The key stays in this process. */
export interface ApiAccess {
  readonly apiUrl: string;
  readonly apiKey: string;
}

/** The PNS to which the page sends its notifications. */
export interface Demo extends ApiAccess {
  /** The URL at which sockets connect, such as `http://localhost:3001`. */
  readonly websocketUrl: string;
}

/** The user of the demonstration. */
export const someone = { context: 1, user: 14 };

/** The example of a notification in the documentation of the original. */
const notification = {
  ...someone,
  topic: 'ox:mail:new',
  payload: {
    folder: 'default0/INBOX',
    id: '113',
    email: 'jane.doe@example.com',
    displayname: 'Jane Doe',
    subject: "Let's meet",
    unread: 83,
    teaser: 'Hello',
  },
};

/** The subscription is registered before each notification; registering it again changes nothing. */
const subscription = { ...someone, client: 'sandbox', transport: 'webhook', topics: ['*'] };

/** The fields of the notification that the page may change; the recipient is fixed. The API checks the values. */
const edits = z.strictObject({
  topic: z.string().optional(),
  payload: z.looseObject({}).optional(),
  priority: z.enum(['high', 'medium', 'low']).optional(),
});

/** The simulated devices of the demonstration. */
interface DemoDevices {
  readonly hasDevices: boolean;
  /** Subscribes the user of the demonstration on each device. Safe to repeat. */
  prepare(api: ApiAccess): Promise<void>;
}

/** Adds routes by which the page can only send notifications to one user and open this user's socket, without the API key. */
export function demoRoutes(app: FastifyInstance, demo: Demo | undefined, devices: DemoDevices): void {
  app.get('/demo', () => ({
    isAvailable: demo !== undefined,
    hasDevices: devices.hasDevices,
    notification,
    websocketUrl: demo?.websocketUrl,
  }));
  if (demo === undefined) return;

  app.post('/demo/notification', { preHandler: ownPageOnly }, (request, reply) => {
    const edited = { ...notification, ...edits.parse(request.body) };
    return answerOf(reply, async () => {
      await call(demo, 'POST', '/v1/subscriptions', subscription);
      await devices.prepare(demo);
      return call(demo, 'POST', '/v1/notifications', edited);
    });
  });

  app.post('/demo/session', { preHandler: ownPageOnly }, (_, reply) =>
    answerOf(reply, async () => {
      const session = (await call(demo, 'POST', '/v1/sessions', {
        ...someone,
        client: 'open-xchange-appsuite',
      })) as object;
      return { ...session, websocketUrl: demo.websocketUrl };
    }),
  );
}

/** Accepts only JSON. Pages of other sites need a CORS preflight for JSON, and the sandbox answers none, so they are refused. */
export async function ownPageOnly(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (!request.headers['content-type']?.startsWith('application/json')) {
    await reply.code(415).send({ error: 'Send JSON.' });
  }
}

/** Answers with the result of `work`, or with 502 and the reason of its failure. */
export async function answerOf(reply: FastifyReply, work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return reply.code(502).send({ error: (error as Error).message });
  }
}

/**
 * Sets the credentials of the sandbox's apps in PNS, enables their transports for the context of the demonstration, and
 * subscribes the user of the demonstration. Safe to repeat; subscriptions of channels from an earlier start are deleted.
 */
export async function prepareDemoApps(api: ApiAccess, apps: readonly DemoApp[]): Promise<void> {
  for (const { client, transport, property, token, options } of apps) {
    await call(api, 'PUT', `/v1/clients/${client}/transports/${transport}`, options);
    await call(api, 'PUT', `/v1/config/contexts/${someone.context}/properties/${property}`, { value: true });
    await forgetOtherTargets(api, client, token);
    await call(api, 'POST', '/v1/subscriptions', { ...someone, client, transport, token, topics: ['*'] });
  }
}

/** Deletes the user's subscriptions of a client that have another token than `token`. An earlier start registered them. */
export async function forgetOtherTargets(api: ApiAccess, client: string, token: string): Promise<void> {
  const theirs = `/v1/subscriptions?context=${someone.context}&user=${someone.user}&client=${client}`;
  const { items } = (await call(api, 'GET', theirs)) as { items: readonly { id: string; token: string }[] };
  for (const each of items) if (each.token !== token) await call(api, 'DELETE', `/v1/subscriptions/${each.id}`);
}

/** Calls the API and returns the JSON of its answer. @throws Error with the answer if its status is not 2xx */
export async function call(
  { apiUrl, apiKey }: ApiAccess,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const response = await fetch(new URL(path, apiUrl), {
    method,
    headers: { authorization: `Bearer ${apiKey}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok)
    throw new Error(`${path} answered ${response.status}: ${cutText(text, 1000, { ending: ellipsis })}`);
  return text === '' ? {} : JSON.parse(text);
}
