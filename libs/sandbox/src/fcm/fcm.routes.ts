import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Arrival, type Arrivals, bodyOf, headersOf } from '../arrivals';
import type { Faults } from '../faults';
import { type FcmFault, fcmFault } from './fcm-fault';
import { type FcmDevice, type FcmProvider, fcmProvider } from './fcm-provider';

/** Tokens are query parameters, because they are too long for a path parameter. */
const token = z.string().min(1).max(4096);
const ofDevice = z.object({ token });
const faultsAt = z.object({ token: token.optional(), of: z.enum(['messages', 'tokens']).default('messages') });
const query = z.object({
  token,
  since: z.coerce.number().int().min(0).default(0),
  waitMs: z.coerce.number().int().min(0).max(60_000).default(0),
});
const deviceState = z.strictObject({ isRegistered: z.boolean().optional(), project: z.string().min(1).optional() });
const newAccount = z.strictObject({
  project: z
    .string()
    .regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/)
    .default('pns-sandbox'),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{1,28}$/)
    .default('sender'),
});

/** One push on a device, as JSON. */
interface FcmPushView {
  readonly seq: number;
  readonly at: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body of the request as text, not parsed. */
  readonly body: string;
  readonly answer: Arrival['answer'];
  readonly isDuplicate: boolean;
}

/** Routes for tests and the page: arrivals of a phone, faults of Google, and credentials to create and revoke. */
export function fcmRoutes(app: FastifyInstance, provider: FcmProvider, arrivals: Arrivals): void {
  const deviceOf = (given: unknown): FcmDevice => provider.device(ofDevice.parse(given).token);
  const faultsOf = (given: unknown): Faults<FcmFault> => {
    const { token, of } = faultsAt.parse(given);
    if (of === 'tokens') return provider.tokenFaults;
    return token === undefined ? provider.faults : provider.device(token).faults;
  };

  app.get('/fcm', () => {
    const { url: endpoint, tokenUrl: tokenEndpoint, connections, mostStreams, accounts } = provider;
    const serviceAccounts = accounts.emails();
    const { exchanges } = accounts;
    return { endpoint, tokenEndpoint, serviceAccounts, exchanges, connections, mostStreams };
  });
  app.put('/fcm/faults', (request) => {
    const faults = faultsOf(request.query);
    faults.set(fcmFault.parse(request.body));
    return faults.current;
  });
  app.delete('/fcm/faults', (request, reply) => {
    faultsOf(request.query).set({});
    return reply.code(204).send();
  });

  app.get('/fcm/devices', () => provider.known().map(({ token, state }) => ({ token, ...state })));
  app.put('/fcm/devices', (request) => {
    const device = deviceOf(request.query);
    const { isRegistered = device.isRegistered, project = device.project } = deviceState.parse(request.body);
    device.isRegistered = isRegistered;
    device.project = project;
    return device.state;
  });
  app.get('/fcm/pushes', async (request) => {
    const { since, waitMs } = query.parse(request.query);
    const device = deviceOf(request.query);
    const isOurs = ({ provider: name, target }: Arrival): boolean => name === fcmProvider && target === device.token;
    const found = (): Arrival[] => arrivals.since(Math.max(since, device.clearedSeq), isOurs);
    if (found().length === 0 && waitMs > 0) await arrivals.next(isOurs, waitMs);
    const items = found();
    return { ...device.state, items: items.map(pushView), nextSince: items.at(-1)?.seq ?? since };
  });
  app.delete('/fcm/pushes', (request, reply) => {
    deviceOf(request.query).clear(arrivals.lastSeq);
    return reply.code(204).send();
  });

  // The key is returned only here, as in Google's console.
  app.post('/fcm/service-accounts', (request, reply) => {
    const { project, name } = newAccount.parse(request.body ?? {});
    return reply.code(201).send(provider.accounts.create(project, name));
  });
  app.delete('/fcm/service-accounts/:email', (request, reply) => {
    const { email } = z.object({ email: z.string() }).parse(request.params);
    return reply.code(provider.accounts.revoke(email) ? 204 : 404).send();
  });
  app.delete('/fcm/access-tokens', (_, reply) => {
    provider.accounts.endTokens();
    return reply.code(204).send();
  });
}

function pushView({ seq, at, request, answer, isDuplicate }: Arrival): FcmPushView {
  return {
    seq,
    at,
    path: request.path,
    headers: headersOf(request),
    body: bodyOf(request).toString(),
    answer,
    isDuplicate,
  };
}
