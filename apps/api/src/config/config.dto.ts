import { isTagExpression, maxTagExpressionLength, propertyValue, scopes, type Origin } from '@pns/config-cascade';
import type { Listed, StoredContextSet, StoredProperty } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { client, idText, plainText, topic } from '../http/fields';
import { transport } from '../subscriptions/subscriptions.dto';

const name = plainText(400).describe('The name of the property; a transport or topic may stand behind some.');
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
  origin: origin.optional().describe('Where a file sets it: the file, or its context set. Absent where this API did.'),
});

export class PropertyView extends createZodDto(property) {}
export class PropertyList extends createZodDto(
  z.object({ items: z.array(property), nextCursor: z.string().optional() }),
) {}

/** `from` is where files set it. */
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

const rank = z.int().min(0).max(999_999).describe('Sets are tried from the lowest rank on, then by name.');

export class ContextSetBody extends createZodDto(
  z.strictObject({
    rank,
    withTags: z
      .string()
      .max(maxTagExpressionLength, { abort: true })
      .refine(isTagExpression, 'must be tags joined by & and |, with ! and parentheses')
      .describe('Such as `premium & !(trial | internal)`.'),
  }),
) {}

const contextSet = z.object({
  name: z.string(),
  rank: z.int().describe('Sets of files come last, from 1,000,000 on.'),
  withTags: z.string(),
  file: z.string().optional().describe('The file that defines it; absent where this API did.'),
});

export class ContextSetView extends createZodDto(contextSet) {}
export class ContextSetList extends createZodDto(
  z.object({ items: z.array(contextSet), nextCursor: z.string().optional() }),
) {}

/** `file` is the one that defines it. */
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
        file: z.string().describe('Below the configuration folder.'),
        line: z.int().optional().describe('From 1; absent where the file as a whole is at fault.'),
        entry: z.string().optional().describe('The property, client or context set.'),
        severity: z
          .enum(['error', 'warning'])
          .describe('`error`: something that was to hold does not. `warning`: it holds, or it has no meaning to PNS.'),
        reason: z.string().describe('The end of a sentence that begins with the entry, or the file.'),
      }),
    ),
    isAllInEffect: z.boolean().describe('Whether none of them is an error, as `pns_config_last_reload_success` tells.'),
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
      client: client.optional().describe('With `transport`: only this client. Absent: all that the user has.'),
      transport: transport.optional(),
    })
    .refine((query) => (query.client === undefined) === (query.transport === undefined), {
      path: ['client'],
      message: 'and transport stand together, or neither of them does',
    }),
) {}

const sockets = z.object({
  open: z.int(),
  away: z.int().describe('Closed a moment ago; they get it when they come back.'),
});

const isComplete = z.boolean().describe('Whether there are no more subscriptions than these.');

export class Explanation extends createZodDto(
  z.object({
    isEnabled: z.boolean(),
    sentence: z.string().describe('For a person: what was decided and why, and whether a subscription matches.'),
    decidedBy: z.object({ name: z.string(), origin }),
    places: z
      .array(
        z.object({
          name: z.string(),
          origin,
          text: z.string().optional().describe('What it held; absent where it held nothing.'),
          isOverruled: z.boolean().describe('Whether a `final` elsewhere kept it from being heard.'),
        }),
      )
      .describe('Every place that was looked at, in order; the last one decided.'),
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
        topics: z.array(z.string()).describe('What websocket-clients.yml has the sockets of this client hear of.'),
        matchedBy: z.string().optional().describe('The pattern among these that matches the topic.'),
      })
      .optional()
      .describe('Of `websocket`, instead of subscriptions.'),
  }),
) {}

const target = z.object({
  subscription: z.string().optional().describe('Its id, if it is one.'),
  sockets: sockets.optional().describe('The sockets of this client, if it is these.'),
  client: z.string(),
  transport: z.string(),
  topics: z.array(z.string()),
  matchedBy: z.string().optional().describe('The pattern that matches the topic.'),
  isExpired: z.boolean(),
  isEnabled: z.boolean().describe('Whether the transport is switched on for it.'),
  decidedBy: z.object({ name: z.string(), origin }).describe('What switched it on or off.'),
  isReached: z.boolean().describe('Whether it gets the topic.'),
  sentence: z.string().describe('For a person: why, or everything that keeps it from it.'),
});

export class UserExplanation extends createZodDto(
  z.object({
    sentence: z.string().describe('For a person: who gets it.'),
    targets: z.array(target).describe('Subscriptions, oldest first, and then sockets by client.'),
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
