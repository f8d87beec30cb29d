import { apiScopes, type ApiKey, type RateLimit } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { dateTime, idNumber, plainText } from '../http/fields';

const scopes = z.array(z.enum(apiScopes)).min(1, 'must name at least one scope').max(apiScopes.length);

const contexts = z
  .array(idNumber)
  .min(1, 'must name at least one context')
  .max(1000, 'must name at most 1000 contexts')
  .optional()
  .describe('The contexts that the key may access. Absent: all contexts and the settings of the server.');

const maxPerSecond = 1_000_000;

const rateLimit = {
  rateLimitPerSecond: z
    .number()
    .min(0.01)
    .max(maxPerSecond)
    .optional()
    .describe(
      'Average number of requests per second. Each notification after the first of a request counts as one more request. Above the limit the answer is 429 with `Retry-After`. Absent: no limit.',
    ),
  burst: z
    .int()
    .min(1)
    .max(10 * maxPerSecond)
    .optional()
    .describe('Number of requests that the key may send at once after a pause. Default: `rateLimitPerSecond`.'),
};

const expirySentence = 'must be a time in the future, such as 2030-12-31T00:00:00Z';

/** Whether the bucket holds the refill of one second. A smaller bucket would make the rate unreachable. */
function isBurstEnough({ rateLimitPerSecond, burst }: z.output<typeof newApiKey>): boolean {
  return burst === undefined || (rateLimitPerSecond !== undefined && burst >= rateLimitPerSecond);
}

const newApiKey = z.strictObject({
  name: plainText(100).describe('A note for people: the use of the key.'),
  scopes,
  contexts,
  expiresAt: dateTime(expirySentence)
    .refine((at) => Date.parse(at) > Date.now(), expirySentence)
    .optional()
    .describe('The key is refused from this time on. Absent: it never expires.'),
  ...rateLimit,
});

export class NewApiKey extends createZodDto(
  newApiKey.refine(isBurstEnough, {
    path: ['burst'],
    error: 'needs rateLimitPerSecond, and must be at least as large',
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
  lastUsedAt: z.iso.datetime().optional().describe('Updated every few seconds.'),
});

export class ApiKeyView extends createZodDto(view) {}

export class CreatedApiKey extends createZodDto(
  view.extend({ key: z.string().describe('Only this answer contains the key; the server stores its hash.') }),
) {}

export class ApiKeyList extends createZodDto(z.object({ items: z.array(view), nextCursor: z.string().optional() })) {}

/** The rate limit in a request for a new key. */
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
