import { apiScopes, type ApiKey } from '@pns/persistence';
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

const expirySentence = 'must be a time in the future, such as 2030-12-31T00:00:00Z';

export class NewApiKey extends createZodDto(
  z.strictObject({
    name: plainText(100).describe('For people: what the key is used for.'),
    scopes,
    contexts,
    expiresAt: z.iso
      .datetime({ offset: true, error: expirySentence })
      .refine((at) => Date.parse(at) > Date.now(), expirySentence)
      .optional()
      .describe('From then on the key is refused; absent: never.'),
  }),
) {}

const view = z.object({
  id: z.uuid(),
  name: z.string(),
  scopes,
  contexts,
  expiresAt: z.iso.datetime().optional(),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime().optional().describe('Written every few seconds.'),
});

export class ApiKeyView extends createZodDto(view) {}

export class CreatedApiKey extends createZodDto(
  view.extend({ key: z.string().describe('Shown this once; only a hash of it is kept.') }),
) {}

export class ApiKeyList extends createZodDto(z.object({ items: z.array(view), nextCursor: z.string().optional() })) {}

export function apiKeyView({ id, name, scopes, contexts, expiresAt, createdAt, lastUsedAt }: ApiKey): ApiKeyView {
  return {
    id,
    name,
    scopes: [...scopes],
    ...(contexts === undefined ? {} : { contexts: [...contexts] }),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
    createdAt: new Date(createdAt).toISOString(),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: new Date(lastUsedAt).toISOString() }),
  };
}
