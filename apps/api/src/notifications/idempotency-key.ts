import { check, sentenceOf } from '../http/faults';
import { RequestError } from '../http/request-error';
import type { JsonRead } from '../json/read-json';
import { NotificationEntry } from './notification.schema';

/**
 * The notification with the id from `Idempotency-Key`. Quotes around the id are optional here. The IETF draft requires them,
 * because its header is a String of RFC 9651.
 */
export function withId(posted: JsonRead, header: string | undefined): JsonRead {
  if (header === undefined || !posted.ok) return posted;
  const { value } = posted;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return posted;
  if ('id' in value && value.id === header) return posted;
  const [, quoted] = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header) ?? [];
  const idempotencyKey = quoted?.replace(/\\(.)/g, '$1') ?? header;
  const checked = check(NotificationEntry.schema.shape.id, idempotencyKey, 'Idempotency-Key');
  if (!checked.ok) throw new RequestError('IDEMPOTENCY_KEY_INVALID', sentenceOf(checked.faults));
  if ('id' in value && value.id !== idempotencyKey) {
    throw new RequestError('IDEMPOTENCY_KEY_INVALID', 'Idempotency-Key and id differ; send only one of them.');
  }
  return { ...posted, value: { ...value, id: idempotencyKey } };
}
