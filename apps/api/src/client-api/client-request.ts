import { z } from 'zod';
import { check, sentenceOf, type Fault } from '../http/faults';
import { client } from '../http/fields';
import { endOfTime, meta, pushSubscription, token, topicPattern, transport } from '../subscriptions/subscriptions.dto';
import { OxError, type OxErrorCode } from './ox-error';

const requiredFields: readonly string[] = ['transport', 'topics'];
const noTopics = 'must name at least one topic';

const unsubscription = z.looseObject({
  client: client.optional(),
  token: token.optional(),
  pushSubscription: pushSubscription.pick({ endpoint: true }).optional(),
  transport,
});

const subscription = unsubscription.extend({
  pushSubscription: pushSubscription.optional(),
  topics: z.array(topicPattern).min(1, noTopics).max(100),
  meta: meta.refine(isMeta, 'may contain only text, whole numbers, true, false and objects of these').optional(),
  expires: z.int().min(0).max(endOfTime).optional(),
});

/** Parses a subscribe request in the format of the original. */
export const parseSubscription = parserOf(subscription);

/** Parses an unsubscribe request in the format of the original. */
export const parseUnsubscription = parserOf(unsubscription);

/** A parser for `schema`. It throws an OxError with the original's code for the fault. */
function parserOf<Schema extends z.ZodType>(schema: Schema): (body: unknown) => z.output<Schema> {
  return (body) => {
    if (body === undefined) throw new OxError('SVL-0023', 'The request has no body.');
    const checked = check(schema, withoutNulls(body));
    if (checked.ok) return checked.value;
    const [fault] = checked.faults;
    throw new OxError(codeOf(fault, body), sentenceOf(checked.faults), [fault.field]);
  };
}

function codeOf({ field, message }: Fault, body: unknown): OxErrorCode {
  const value = (body as Readonly<Record<string, unknown>> | null)?.[field] ?? undefined;
  const isAbsent = value === undefined && requiredFields.includes(field);
  if (isAbsent || (field === 'client' && value === '')) return 'SVL-0002';
  if (field.startsWith('topics.')) return 'PNS-0007';
  if (message === noTopics) return 'PNS-0001';
  return field === 'transport' ? 'PNS-0005' : 'SVL-0009';
}

/** Removes fields that are null, because the original treats null like an absent field. */
function withoutNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** Whether the original can store `value` as meta. */
function isMeta(value: object): boolean {
  return Object.values(value).every((each: unknown) => {
    if (typeof each === 'object') return each !== null && !Array.isArray(each) && isMeta(each);
    return typeof each !== 'number' || Number.isInteger(each);
  });
}
