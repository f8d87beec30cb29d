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
        'The only client that may open sockets with the session; absent: any. A request of the client API may name another.',
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
    id: z.string().describe('What DELETE /v1/sessions/{id} takes.'),
    token: z.string().describe('What a client presents; whoever has it is this user.'),
    expiresAt: z.iso.datetime(),
  }),
) {}

/** A session of an identity provider has an id of the provider's making. */
export class SessionPath extends createZodDto(
  z.object({ id: z.string().regex(sessionIdSyntax, 'must be 1 to 128 printable ASCII characters') }),
) {}
