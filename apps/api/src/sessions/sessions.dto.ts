import { defaultSessionTtlSeconds, maxSessionTtlSeconds, sessionIdSyntax } from '@pns/sessions';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { client, idNumber } from '../http/fields';

const ttlSentence = `must be a whole number of seconds from 1 to ${maxSessionTtlSeconds}`;

export class NewSession extends createZodDto(
  z.strictObject({
    context: idNumber,
    user: idNumber,
    client: client
      .optional()
      .describe(
        'The only client that may open sockets with the session. Absent: any client. Requests of the client API may name another client.',
      ),
    ttlSeconds: z
      .int(ttlSentence)
      .min(1, ttlSentence)
      .max(maxSessionTtlSeconds, ttlSentence)
      .optional()
      .describe(`Default: ${defaultSessionTtlSeconds}.`),
  }),
) {}

export class IssuedSession extends createZodDto(
  z.object({
    id: z.string().describe('The id for DELETE /v1/sessions/{id}.'),
    token: z.string().describe('The client presents this token. It authenticates as the user, so keep it secret.'),
    expiresAt: z.iso.datetime(),
  }),
) {}

/** The id may have any format, because an identity provider chooses the ids of its sessions. */
export class SessionPath extends createZodDto(
  z.object({ id: z.string().regex(sessionIdSyntax, 'must be 1 to 128 printable ASCII characters') }),
) {}
