import { isTagExpression, maxTagExpressionLength, propertyValue, scopes, type Origin } from '@pns/config-cascade';
import type { Listed, StoredContextSet, StoredProperty } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { client, idText, plainText, topic } from '../http/fields';
import { transport } from '../subscriptions/subscriptions.dto';

const name = plainText(400).describe('The name of the property. Some names end in a transport or topic.');
const set = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 letters, digits, underscores, dots and dashes')
  .describe('The name of the context set.');

export class NamePath extends createZodDto(z.object({ name })) {}
export class SetPath extends createZodDto(z.object({ set })) {}
export class SetNamePath extends createZodDto(z.object({ set, name })) {}
export class ContextPath extends createZodDto(z.object({ context: idText })) {}
export class ContextNamePath extends createZodDto(z.object({ context: idText, name })) {}
export class UserPath extends createZodDto(z.object({ context: idText, user: idText })) {}
export class UserNamePath extends createZodDto(z.object({ context: idText, user: idText, name })) {}

const final = z.enum(scopes).describe('The narrowest scope that may still define the property.');

export class PropertyBody extends createZodDto(
  z.strictObject({
    value: z.union([z.string().max(10_000), z.number(), z.boolean(), z.array(z.string().max(1000)).max(1000)], {
      error: ({ input }) =>
        input === undefined ? undefined : 'must be text, a number, true or false, or a list of texts',
    }),
    final: final.optional(),
  }),
) {}

const origin = z.object({ scope: z.enum([...scopes, 'default']), id: z.string().optional() });

const property = z.object({
  name: z.string(),
  value: z.unknown(),
  final: final.optional(),
  origin: origin
    .optional()
    .describe('The file or context set that sets the property. Absent where it was set through this API.'),
});

export class PropertyView extends createZodDto(property) {}
export class PropertyList extends createZodDto(
  z.object({ items: z.array(property), nextCursor: z.string().optional() }),
) {}

/** The view of a property. `from` is its origin if a file sets it. */
export function propertyView(
  { name: of, value, final: narrowest, version }: Listed<StoredProperty>,
  from?: Origin,
): PropertyView {
  return {
    name: of,
    value: propertyValue(of, value),
    ...(narrowest === undefined ? {} : { final: narrowest }),
    ...(version !== undefined || from === undefined ? {} : { origin: from }),
  };
}

const rank = z.int().min(0).max(999_999).describe('Sets are tried by ascending rank, then by name.');

export class ContextSetBody extends createZodDto(
  z.strictObject({
    rank,
    withTags: z
      .string()
      .max(maxTagExpressionLength, { abort: true })
      .refine(isTagExpression, 'must be tags joined by & and |, with ! and parentheses')
      .describe('For example `premium & !(trial | internal)`.'),
  }),
) {}

const contextSet = z.object({
  name: z.string(),
  rank: z.int().describe('Sets from files come last: their ranks start at 1,000,000.'),
  withTags: z.string(),
  file: z.string().optional().describe('The file that defines the set. Absent where it was set through this API.'),
});

export class ContextSetView extends createZodDto(contextSet) {}
export class ContextSetList extends createZodDto(
  z.object({ items: z.array(contextSet), nextCursor: z.string().optional() }),
) {}

/** The view of a context set. `file` is the file that defines the set; absent for a set of the API. */
export function contextSetView(
  { name: of, rank: at, withTags }: Omit<StoredContextSet, 'version'>,
  file?: string,
): ContextSetView {
  return { name: of, rank: at, withTags, ...(file === undefined ? {} : { file }) };
}

export class ConfigFaultList extends createZodDto(
  z.object({
    items: z.array(
      z.object({
        file: z.string().describe('The path below the configuration folder.'),
        line: z.int().optional().describe('From 1. Absent where the whole file is at fault.'),
        entry: z.string().optional().describe('The property, client or context set.'),
        severity: z
          .enum(['error', 'warning'])
          .describe('`error`: the entry is not in effect. `warning`: it is in effect, or PNS does not use it.'),
        reason: z.string().describe('The rest of a sentence that starts with the entry or the file.'),
      }),
    ),
    isAllInEffect: z
      .boolean()
      .describe('Whether there are no errors. The metric `pns_config_last_reload_success` shows the same.'),
  }),
) {}

export class EffectiveQuery extends createZodDto(
  z.strictObject({ context: idText, user: idText, prefix: z.string().max(400).optional() }),
) {}

export class EffectiveList extends createZodDto(
  z.object({ items: z.array(z.object({ name: z.string(), value: z.unknown(), origin })) }),
) {}

export class ExplainQuery extends createZodDto(
  z
    .strictObject({
      context: idText,
      user: idText,
      topic,
      client: client.optional().describe('With `transport`: only this client. Absent: all clients of the user.'),
      transport: transport.optional(),
    })
    .refine((query) => (query.client === undefined) === (query.transport === undefined), {
      path: ['client'],
      message: 'and transport must both be set, or neither of them',
    }),
) {}

const sockets = z.object({
  open: z.int(),
  away: z.int().describe('Sockets that closed a moment ago. They receive the notification when they reconnect.'),
});

const isComplete = z.boolean().describe('Whether the list contains all subscriptions.');

export class Explanation extends createZodDto(
  z.object({
    isEnabled: z.boolean(),
    sentence: z.string().describe('A text for people: the decision, its reason, and whether a subscription matches.'),
    decidedBy: z.object({ name: z.string(), origin }),
    places: z
      .array(
        z.object({
          name: z.string(),
          origin,
          text: z.string().optional().describe('The value at this place. Absent where there is none.'),
          isOverruled: z.boolean().describe('Whether a `final` of another scope overrules the value.'),
        }),
      )
      .describe('All places that were checked, in order. The last one decided.'),
    subscriptions: z.array(
      z.object({
        id: z.string(),
        topics: z.array(z.string()),
        isExpired: z.boolean(),
        matchedBy: z.string().optional().describe('The pattern that matches the topic.'),
      }),
    ),
    isComplete,
    sockets: sockets
      .extend({
        topics: z.array(z.string()).describe('The topics of this client in websocket-clients.yml.'),
        matchedBy: z.string().optional().describe('The pattern in `topics` that matches the topic.'),
      })
      .optional()
      .describe('Only for the transport `websocket`, which has no subscriptions.'),
  }),
) {}

const target = z.object({
  subscription: z.string().optional().describe('The id of the subscription. Absent for sockets.'),
  sockets: sockets.optional().describe('The sockets of this client. Absent for a subscription.'),
  client: z.string(),
  transport: z.string(),
  topics: z.array(z.string()),
  matchedBy: z.string().optional().describe('The pattern that matches the topic.'),
  isExpired: z.boolean(),
  isEnabled: z.boolean().describe('Whether the transport is switched on for this target.'),
  decidedBy: z.object({ name: z.string(), origin }).describe('The property that switches the transport on or off.'),
  isReached: z.boolean().describe('Whether the target receives the topic.'),
  sentence: z
    .string()
    .describe('A text for people: why the target receives the topic, or all reasons why it does not.'),
});

export class UserExplanation extends createZodDto(
  z.object({
    sentence: z.string().describe('A text for people: the targets that receive the topic.'),
    targets: z.array(target).describe('Subscriptions, oldest first, then sockets by client.'),
    isComplete,
  }),
) {}

export class PropertyRegistry extends createZodDto(
  z.object({
    items: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        default: z.unknown(),
        scopes: z.array(z.enum(scopes)),
        sentence: z.string(),
      }),
    ),
  }),
) {}
