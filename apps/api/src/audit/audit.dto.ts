import type { AuditEntry } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { idText, pageQuery, plainText } from '../http/fields';

const time = z.iso
  .datetime({ offset: true, error: 'must be a time, such as 2030-12-31T00:00:00Z' })
  .transform(Date.parse);
const timeIn = (text: string) => time.optional().meta({ type: 'string', format: 'date-time', description: text });

const keyId = z.union([z.uuid(), z.enum(['bootstrap', 'session'])], {
  error: 'must be the id of an API key, bootstrap or session',
});

export class AuditQuery extends createZodDto(
  z.strictObject({
    context: idText.optional(),
    user: idText.optional(),
    key: keyId.optional().describe('Who wrote: the id of an API key, bootstrap, or session for the client API.'),
    action: plainText(500).optional().describe('As in the entries, such as `DELETE /v1/contexts/{context}`.'),
    resource: plainText(5000).optional().describe('A path; all below it is meant too.'),
    since: timeIn('The earliest.'),
    until: timeIn('What comes after the latest.'),
    ...pageQuery,
  }),
) {}

const entry = z.object({
  id: z.uuid(),
  at: z.iso.datetime(),
  key: z.object({ id: z.string(), name: z.string() }).describe('Who wrote.'),
  action: z.string().describe('Method and route.'),
  resource: z.string().describe('The path, and the query without its secrets; a mask once its user is erased.'),
  context: z.int().optional(),
  user: z.int().optional(),
  requestId: z.string().describe('The `X-Request-Id` of the request, or the one that it was given.'),
  status: z
    .int()
    .optional()
    .describe('How it was answered; absent while it is not, and for ever when the process died meanwhile.'),
  before: z.unknown().optional().describe('What a GET showed before, with a mask in place of secrets.'),
  after: z.unknown().optional().describe('What was answered, likewise.'),
});

export class AuditList extends createZodDto(z.object({ items: z.array(entry), nextCursor: z.string().optional() })) {}

export function auditView({ at, keyId: id, keyName: name, ...of }: AuditEntry): z.infer<typeof entry> {
  return { ...of, at: new Date(at).toISOString(), key: { id, name } };
}
