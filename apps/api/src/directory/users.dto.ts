import type { DirectoryUser } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { idNumber, idText, plainText } from '../http/fields';
import { tags } from './contexts.dto';

export class UserPath extends createZodDto(z.object({ context: idText, user: idText })) {}

const primaryEmail = plainText(320)
  .regex(/^[^\s@]+@[^\s@]+$/, 'must be an e-mail address')
  .optional()
  .describe('Sent to webhooks.');

const logins = z
  .array(plainText(320))
  .max(100)
  .describe('The names of the user in other systems, for example Dovecot. Case and Unicode form are ignored.');

export class UserBody extends createZodDto(
  z.strictObject({ primaryEmail, logins: logins.default([]), tags: tags.default([]) }),
) {}

const view = z.object({ context: idNumber, user: idNumber, primaryEmail, logins, tags });

export class UserView extends createZodDto(view) {}
export class UserList extends createZodDto(z.object({ items: z.array(view), nextCursor: z.string().optional() })) {}

export function userView({
  context,
  user,
  primaryEmail: email,
  logins: known,
  tags: carried,
}: DirectoryUser): UserView {
  return {
    context,
    user,
    ...(email === undefined ? {} : { primaryEmail: email }),
    logins: [...known],
    tags: [...carried],
  };
}
