import { endpointStates, type ListedEndpoint } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { client, idNumber, idText, pageQuery } from '../http/fields';
import { transport } from '../subscriptions/subscriptions.dto';

const state = z.enum(endpointStates, `must be one of ${endpointStates.join(', ')}`);

export class EndpointQuery extends createZodDto(
  z.strictObject({
    ...pageQuery,
    context: idText.optional().describe('Only endpoints with a subscription of this context.'),
    client: client.optional(),
    transport: transport.optional(),
    state: state.optional(),
  }),
) {}

export class EndpointsToEnable extends createZodDto(
  z
    .strictObject({
      ids: z.array(z.uuid('must be the id of an endpoint').toLowerCase()).min(1).max(1000).optional(),
      context: idNumber.optional().describe('Only endpoints with a subscription of this context.'),
      client: client.optional(),
      transport: transport.optional(),
    })
    .refine((filter) => Object.keys(filter).length > 0, 'must name endpoints by ids or by a filter'),
) {}

export class EnabledCount extends createZodDto(z.object({ enabled: z.int() })) {}

const time = z.iso.datetime();

const view = z.object({
  id: z.uuid(),
  transport: z.string(),
  client: z.string(),
  origin: z.string().describe('The server of the URI. The URI is not shown, because it may contain secrets.'),
  state: state.describe(
    '`failing`: the last attempt failed. `deferred`: nothing is sent to it for a while. `off`: it is switched off, and its deliveries are kept.',
  ),
  since: time.describe('When the first failure without a later success occurred, or the deferral began.'),
  reason: z.string().describe('Of the last failure. It contains no secrets.'),
  lastFailedAt: time.optional(),
  deferredUntil: time.optional(),
  warnedPercent: z.int().optional().describe('The last percentage of `disableAfter` that was warned of.'),
  switchesOffAt: time.optional().describe('When it is switched off if it does not recover.'),
  switchedOffAt: time.optional(),
  subscriptions: z
    .array(z.object({ id: z.uuid(), context: idNumber, user: idNumber }))
    .describe('At most ten of the subscriptions with this URI.'),
});

export class EndpointList extends createZodDto(z.object({ items: z.array(view), nextCursor: z.string().optional() })) {}

/** The view of an endpoint. `disableAfterMs` is 0 if endpoints are never switched off. */
export function endpointView(endpoint: ListedEndpoint, disableAfterMs: number): z.infer<typeof view> {
  const { id, transport: by, client: to, origin, reason, warned, subscriptions } = endpoint;
  const { failingSince, deferredSince, offAt } = endpoint;
  const since = failingSince ?? deferredSince ?? offAt ?? 0;
  const isDue = offAt === undefined && failingSince !== undefined && disableAfterMs > 0;
  return {
    ...{ id, transport: by, client: to, origin, state: endpoint.state, since: text(since), reason },
    ...(endpoint.lastFailedAt === undefined ? {} : { lastFailedAt: text(endpoint.lastFailedAt) }),
    ...(endpoint.deferredUntil === undefined ? {} : { deferredUntil: text(endpoint.deferredUntil) }),
    ...(warned === 0 ? {} : { warnedPercent: warned }),
    ...(isDue ? { switchesOffAt: text(failingSince + disableAfterMs) } : {}),
    ...(offAt === undefined ? {} : { switchedOffAt: text(offAt) }),
    subscriptions: [...subscriptions],
  };
}

function text(ms: number): string {
  return new Date(ms).toISOString();
}
