import type { AuditEntry } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { idText, pageQuery, plainText, timeIn } from '../http/fields';

const keyId = z.union([z.uuid(), z.enum(['bootstrap', 'session'])], {
  error: 'must be the id of an API key, bootstrap or session',
});

export class AuditQuery extends createZodDto(
  z.strictObject({
    context: idText.optional(),
    user: idText.optional(),
    key: keyId.optional().describe('The author: the id of an API key, `bootstrap`, or `session` for the client API.'),
    action: plainText(500).optional().describe('The action of an entry, for example `DELETE /v1/contexts/{context}`.'),
    resource: plainText(5000).optional().describe('A path; paths below it match too.'),
    since: timeIn('The first time, inclusive.'),
    until: timeIn('The last time, exclusive.'),
    ...pageQuery,
  }),
) {}

const entry = z.object({
  id: z.uuid(),
  at: z.iso.datetime(),
  key: z.object({ id: z.string(), name: z.string() }).describe('The API key that made the write.'),
  action: z.string().describe('The method and the route.'),
  resource: z.string().describe('The path and the query, without secrets. It is masked after its user was erased.'),
  context: z.int().optional(),
  user: z.int().optional(),
  requestId: z.string().describe('The `X-Request-Id` of the request, or a generated id.'),
  status: z
    .int()
    .optional()
    .describe('The status of the answer. Absent before the answer, and when the process died before it.'),
  before: z.unknown().optional().describe('The answer of a GET before the write. Secrets are masked.'),
  after: z.unknown().optional().describe('The answer of the write. Secrets are masked.'),
});

export class AuditList extends createZodDto(z.object({ items: z.array(entry), nextCursor: z.string().optional() })) {}

export function auditView({ at, keyId: id, keyName: name, ...of }: AuditEntry): z.infer<typeof entry> {
  return { ...of, at: new Date(at).toISOString(), key: { id, name } };
}
