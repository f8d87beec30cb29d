import type { Standing } from './report';
import { booleanWord } from './yaml-file';

/** The option files that are written. */
export type OptionFile = 'pns-apns-options.yml' | 'pns-gcm-options.yml' | 'pns-wns-options.yml' | 'webhooks.yml';

/** How a field of an entry is imported. Without `value`, the field is not written. */
export interface ConvertedField {
  readonly standing: Standing;
  readonly reason?: string;
  readonly value?: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

const booleanFields: ReadonlySet<string> = new Set(['enabled', 'production', 'allowSharedUri']);
const numberFields: ReadonlySet<string> = new Set([
  'version',
  'maxTimeToLiveMillis',
  'maxNumberOfSubscriptionsPerUser',
]);

/** For each `authtype`, the fields that only the other `authtype` uses. */
const fieldsOfOtherAuthtype = {
  jwt: ['keystore', 'keystoreId', 'password'],
  certificate: ['privatekey', 'privatekeyId', 'keyid', 'teamid'],
} as const;

/** Converts a field of an entry. Its value is checked later, with the whole entry. */
export function convertedField(target: OptionFile, field: string, fields: Fields): ConvertedField {
  const value = fields[field];
  if (value === null || value === undefined) return { standing: 'not-needed', reason: 'has no value' };
  if (booleanFields.has(field)) return inOurWords(value, booleanWord(value));
  if (numberFields.has(field)) return inOurWords(value, numberWord(value));
  if (target === 'pns-apns-options.yml') return apnsField(field, fields);
  if (target === 'webhooks.yml') return webhookField(field, fields);
  return { standing: 'taken', value };
}

/** The value to write. `word` replaces it if the original has a spelling of YAML 1.1. */
function inOurWords(value: unknown, word: boolean | number | undefined): ConvertedField {
  return word === undefined
    ? { standing: 'taken', value }
    : { standing: 'taken', value: word, reason: `is written as ${String(word)}` };
}

function numberWord(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d[\d_]{0,20}$/.test(value) ? Number(value.replaceAll('_', '')) : undefined;
}

function apnsField(field: string, fields: Fields): ConvertedField {
  const value = fields[field];
  const { authtype } = fields;
  const isJwt = typeof authtype === 'string' && authtype.toLowerCase() === 'jwt';
  const kind = isJwt ? 'jwt' : 'certificate';
  if ((fieldsOfOtherAuthtype[kind] as readonly string[]).includes(field))
    return { standing: 'not-needed', reason: `is not used with authtype ${kind}` };
  const hasId = (field === 'keystore' || field === 'privatekey') && typeof fields[`${field}Id`] === 'string';
  if (hasId) return { standing: 'not-needed', reason: `${field}Id takes precedence` };
  return { standing: 'taken', value };
}

function webhookField(field: string, fields: Fields): ConvertedField {
  const value = fields[field];
  if (field === 'uri' && fields['uriValidationMode'] === undefined)
    return {
      standing: 'taken',
      value,
      reason:
        'admits fewer URIs here: without uriValidationMode, the original admits any, and PNS this one and those below it',
    };
  if (field === 'uriValidationMode' && !['none', 'prefix', 'exact'].includes(String(value)))
    return { standing: 'renamed', value: 'prefix', reason: 'is read as prefix by the original, and written so' };
  return { standing: 'taken', value };
}
