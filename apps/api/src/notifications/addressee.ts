import type { UserKey } from '@pns/subscriptions';
import { maxId } from '../http/fields';

/** The user and context in `<user>@<context>`; undefined for text of another form, such as a login. */
export function addresseeIn(text: string): UserKey | undefined {
  const [, userId, contextId] = /^([1-9]\d{0,9})@([1-9]\d{0,9})$/.exec(text) ?? [];
  const addressee = { context: Number(contextId), user: Number(userId) };
  return addressee.context <= maxId && addressee.user <= maxId ? addressee : undefined;
}
