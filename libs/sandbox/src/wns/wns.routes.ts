import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Arrival, type Arrivals, bodyOf, type Check, headersOf } from '../arrivals';
import type { Faults } from '../faults';
import { deviceStates, type WnsChannel, type WnsFault, wnsFault } from './wns-channel';
import { type WnsProvider, wnsProvider } from './wns-provider';
import { type Shown, shownOf } from './wns-rules';

/** Tokens are query parameters, because they contain slashes. */
const token = z.string().min(1).max(4096);
const ofChannel = z.object({ token });
const faultsOf = z.object({ token: token.optional(), of: z.enum(['channels', 'tokens']).default('channels') });
const pushesQuery = z.object({
  token,
  since: z.coerce.number().int().min(0).default(0),
  waitMs: z.coerce.number().int().min(0).max(60_000).default(0),
});
const newChannel = z.strictObject({ sid: z.string().min(1), token: token.optional() });
const channelState = z.strictObject({
  device: z.enum(deviceStates).optional(),
  /** Ms since the epoch. */
  expiresAt: z.int().min(0).optional(),
});
const newApp = z.strictObject({
  sid: z.string().min(1).max(256).optional(),
  secret: z.string().min(1).max(1024).optional(),
  tenantId: z.guid().optional(),
});

/** One push on a device, as JSON. */
interface WnsPushView {
  readonly seq: number;
  readonly at: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body of the request as text, not parsed. */
  readonly body: string;
  /** The visible content; absent if the device cannot parse it. */
  readonly shown?: Shown;
  readonly checks: readonly Check[];
  readonly answer: Arrival['answer'];
  readonly isDuplicate: boolean;
}

/** Routes for tests and the page: arrivals of a device, faults of Microsoft, and credentials to create and revoke. */
export function wnsRoutes(app: FastifyInstance, provider: WnsProvider, arrivals: Arrivals): void {
  const viewOf = (channel: WnsChannel) => {
    const { token, sid, state } = channel;
    return { token, sid, uri: provider.uriOf(channel), ...state };
  };
  const found = (given: unknown): WnsChannel => {
    const channel = provider.channel(ofChannel.parse(given).token);
    if (channel === undefined) throw Object.assign(new Error('There is no such channel.'), { statusCode: 404 });
    return channel;
  };
  const chosenFaults = (given: unknown): Faults<WnsFault> => {
    const { token, of } = faultsOf.parse(given);
    if (of === 'tokens') return provider.tokenFaults;
    return token === undefined ? provider.faults : found(given).faults;
  };

  app.get('/wns', () => {
    const { host, connections, accounts } = provider;
    return {
      host,
      tokenEndpoint: provider.tokenUrl(),
      sids: accounts.sids(),
      exchanges: accounts.exchanges,
      connections,
    };
  });
  app.put('/wns/faults', (request) => {
    const faults = chosenFaults(request.query);
    faults.set(wnsFault.parse(request.body));
    return faults.current;
  });
  app.delete('/wns/faults', (request, reply) => {
    chosenFaults(request.query).set({});
    return reply.code(204).send();
  });

  app.get('/wns/channels', () => provider.known().map(viewOf));
  app.post('/wns/channels', (request, reply) => {
    const { sid, token } = newChannel.parse(request.body);
    return reply.code(201).send(viewOf(provider.openChannel(sid, token)));
  });
  app.put('/wns/channels', (request) => {
    const channel = found(request.query);
    const { device = channel.device, expiresAt = channel.expiresAt } = channelState.parse(request.body);
    channel.device = device;
    channel.expiresAt = expiresAt;
    return viewOf(channel);
  });
  app.delete('/wns/channels', (request, reply) => {
    provider.closeChannel(found(request.query).token);
    return reply.code(204).send();
  });

  app.get('/wns/pushes', async (request) => {
    const { since, waitMs } = pushesQuery.parse(request.query);
    const channel = found(request.query);
    const isOurs = ({ provider: name, target }: Arrival): boolean => name === wnsProvider && target === channel.token;
    const come = (): Arrival[] => arrivals.since(Math.max(since, channel.clearedSeq), isOurs);
    if (come().length === 0 && waitMs > 0) await arrivals.next(isOurs, waitMs);
    const items = come();
    return { ...channel.state, items: items.map(pushView), nextSince: items.at(-1)?.seq ?? since };
  });
  app.delete('/wns/pushes', (request, reply) => {
    found(request.query).clear(arrivals.lastSeq);
    return reply.code(204).send();
  });

  // The secret is returned only here, as in Partner Center and Entra.
  app.post('/wns/apps', (request, reply) => {
    const { sid, secret, tenantId } = newApp.parse(request.body ?? {});
    const given = { ...(sid && { sid }), ...(secret && { secret }), ...(tenantId && { tenantId }) };
    return reply.code(201).send(provider.accounts.register(given));
  });
  app.delete('/wns/apps', (request, reply) => {
    const { sid } = z.object({ sid: z.string() }).parse(request.query);
    return reply.code(provider.accounts.revoke(sid) ? 204 : 404).send();
  });
  app.delete('/wns/access-tokens', (_, reply) => {
    provider.accounts.endTokens();
    return reply.code(204).send();
  });
}

function pushView({ seq, at, request, answer, isDuplicate, checks = [] }: Arrival): WnsPushView {
  const headers = headersOf(request);
  const body = bodyOf(request).toString();
  const isReadable = checks.every(({ verdict }) => verdict === 'valid');
  const shown = isReadable ? { shown: shownOf(headers['x-wns-type'], body) } : {};
  return { seq, at, headers, body, ...shown, checks, answer, isDuplicate };
}
