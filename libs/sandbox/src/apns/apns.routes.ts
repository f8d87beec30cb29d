import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Arrival, type Arrivals, bodyOf, headersOf } from '../arrivals';
import type { ApnsDevice } from './apns-device';
import { apnsFault, type ApnsFaults } from './apns-fault';
import { apnsProvider, type ApnsProvider } from './apns-provider';

/** Tokens are query parameters, as with the other providers, because some tokens are too long for a path parameter. */
const token = z.string().min(1).max(4096);
const ofDevice = z.object({ token });
const ofDeviceOrAll = z.object({ token: token.optional() });
const query = z.object({
  token,
  since: z.coerce.number().int().min(0).default(0),
  waitMs: z.coerce.number().int().min(0).max(60_000).default(0),
});
const topic = z.string().regex(/^[A-Za-z0-9.-]{1,255}$/);
const tenCharacters = z.string().regex(/^[A-Z0-9]{10}$/);
const scope = z.strictObject({
  teamid: tenCharacters,
  topics: z.array(topic).optional(),
  environment: z.enum(['production', 'development']).optional(),
});
const newKey = scope.extend({ keyid: tenCharacters });
const knownKey = scope.extend({ pem: z.string() });
const ofKey = z.object({ keyid: tenCharacters });
const ofTopic = z.object({ topic });
const newCertificate = z.strictObject({ topic, password: z.string() });
const goAway = z.strictObject({ afterStreams: z.int().min(1).optional() });

/** One push on a device, as JSON. */
interface ApnsPushView {
  readonly seq: number;
  readonly at: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body of the push as text, not parsed. */
  readonly body: string;
  readonly answer: Arrival['answer'];
  readonly isDuplicate: boolean;
}

/** Routes for tests and the page: arrivals of a phone, faults of Apple, and credentials to create and revoke. */
export function apnsRoutes(app: FastifyInstance, provider: ApnsProvider, arrivals: Arrivals): void {
  const deviceOf = (given: unknown): ApnsDevice => provider.device(ofDevice.parse(given).token);
  const faultsOf = (given: unknown): ApnsFaults => {
    const { token } = ofDeviceOrAll.parse(given);
    return token === undefined ? provider.faults : provider.device(token).faults;
  };

  app.get('/apns', () => {
    const { url: endpoint, connections, accounts, goAwayAfter } = provider;
    const keys = accounts.tokensByKey();
    return { endpoint, connections, keys, ...(Number.isFinite(goAwayAfter) && { goAwayAfter }) };
  });
  app.put('/apns/go-away', (request, reply) => {
    provider.goAwayAfter = goAway.parse(request.body).afterStreams ?? Infinity;
    return reply.code(204).send();
  });
  app.get('/apns/faults', (request) => faultsOf(request.query).current);
  app.put('/apns/faults', (request) => {
    const faults = faultsOf(request.query);
    faults.set(apnsFault.parse(request.body));
    return faults.current;
  });
  app.delete('/apns/faults', (request, reply) => {
    faultsOf(request.query).set({});
    return reply.code(204).send();
  });

  app.get('/apns/devices', () => provider.known().map(({ token, state }) => ({ token, ...state })));
  app.get('/apns/pushes', async (request) => {
    const { since, waitMs } = query.parse(request.query);
    const device = deviceOf(request.query);
    const isOurs = ({ provider: name, target }: Arrival): boolean => name === apnsProvider && target === device.token;
    const found = (): Arrival[] => arrivals.since(Math.max(since, device.clearedSeq), isOurs);
    if (found().length === 0 && waitMs > 0) await arrivals.next(isOurs, waitMs);
    const items = found();
    return { ...device.state, items: items.map(pushView), nextSince: items.at(-1)?.seq ?? since };
  });
  app.delete('/apns/pushes', (request, reply) => {
    deviceOf(request.query).clear(arrivals.lastSeq);
    return reply.code(204).send();
  });

  // The private key is returned only here, as on Apple's developer pages.
  app.post('/apns/keys', (request, reply) => {
    const { keyid, ...rest } = newKey.parse(request.body);
    return reply.code(201).send(provider.accounts.createKey(keyid, rest));
  });
  app.put('/apns/keys/:keyid', (request, reply) => {
    const { pem, ...rest } = knownKey.parse(request.body);
    const isTaken = provider.accounts.registerKey(ofKey.parse(request.params).keyid, rest, pem);
    if (!isTaken) return reply.code(400).send({ error: 'pem contains no key for ES256.' });
    return reply.code(204).send();
  });
  app.delete('/apns/keys/:keyid', (request, reply) =>
    reply.code(provider.accounts.revokeKey(ofKey.parse(request.params).keyid) ? 204 : 404).send(),
  );
  app.post('/apns/certificates', (request, reply) => {
    const { topic, password } = newCertificate.parse(request.body);
    const keystore = provider.accounts.createCertificate(topic, password).toString('base64');
    return reply.code(201).send({ keystore, password });
  });
  app.delete('/apns/certificates/:topic', (request, reply) =>
    reply.code(provider.accounts.revokeCertificates(ofTopic.parse(request.params).topic) ? 204 : 404).send(),
  );
}

function pushView({ seq, at, request, answer, isDuplicate }: Arrival): ApnsPushView {
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
