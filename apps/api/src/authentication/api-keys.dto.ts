import { apiScopes, type ApiKey, type RateLimit } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { idNumber, plainText } from '../http/fields';

const scopes = z.array(z.enum(apiScopes)).min(1, 'must name at least one scope').max(apiScopes.length);

const contexts = z
  .array(idNumber)
  .min(1, 'must name at least one context')
  .max(1000, 'must name at most 1000 contexts')
  .optional()
  .describe('The contexts that the key is good for; absent: all of them, and what concerns the whole server.');

const maxPerSecond = 1_000_000;

const rateLimit = {
  rateLimitPerSecond: z
    .number()
    .min(0.01)
    .max(maxPerSecond)
    .optional()
    .describe(
      'How many requests the key may send in a second, on average; each notification of a request counts, the first one excepted. Absent: no limit. Beyond it the answer is 429 with `Retry-After`.',
    ),
  burst: z
    .int()
    .min(1)
    .max(10 * maxPerSecond)
    .optional()
    .describe('How many it may send at once after a pause; absent: what `rateLimitPerSecond` allows for a second.'),
};

const expirySentence = 'must be a time in the future, such as 2030-12-31T00:00:00Z';

/** A bucket that holds less than a second adds would never give that much. */
function isBurstEnough({ rateLimitPerSecond, burst }: z.output<typeof newApiKey>): boolean {
  return burst === undefined || (rateLimitPerSecond !== undefined && burst >= rateLimitPerSecond);
}

const newApiKey = z.strictObject({
  name: plainText(100).describe('For people: what the key is used for.'),
  scopes,
  contexts,
  expiresAt: z.iso
    .datetime({ offset: true, error: expirySentence })
    .refine((at) => Date.parse(at) > Date.now(), expirySentence)
    .optional()
    .describe('From then on the key is refused; absent: never.'),
  ...rateLimit,
});

export class NewApiKey extends createZodDto(
  newApiKey.refine(isBurstEnough, {
    path: ['burst'],
    error: 'needs rateLimitPerSecond beside it, and must be at least as large',
  }),
) {}

const view = z.object({
  id: z.uuid(),
  name: z.string(),
  scopes,
  contexts,
  expiresAt: z.iso.datetime().optional(),
  rateLimitPerSecond: z.number().optional(),
  burst: z.int().optional(),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime().optional().describe('Written every few seconds.'),
});

export class ApiKeyView extends createZodDto(view) {}

export class CreatedApiKey extends createZodDto(
  view.extend({ key: z.string().describe('Shown this once; only a hash of it is kept.') }),
) {}

export class ApiKeyList extends createZodDto(z.object({ items: z.array(view), nextCursor: z.string().optional() })) {}

/** The limit that a new key asks for. */
export function rateLimitOf({ rateLimitPerSecond: perSecond, burst }: NewApiKey): RateLimit | undefined {
  return perSecond === undefined ? undefined : { perSecond, burst: burst ?? Math.ceil(perSecond) };
}

export function apiKeyView(key: ApiKey): ApiKeyView {
  const { id, name, scopes, contexts, expiresAt, rateLimit, createdAt, lastUsedAt } = key;
  return {
    id,
    name,
    scopes: [...scopes],
    ...(contexts === undefined ? {} : { contexts: [...contexts] }),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
    ...(rateLimit === undefined ? {} : { rateLimitPerSecond: rateLimit.perSecond, burst: rateLimit.burst }),
    createdAt: new Date(createdAt).toISOString(),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: new Date(lastUsedAt).toISOString() }),
  };
}
