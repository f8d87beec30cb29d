import { z } from 'zod';
import { shownFieldName } from './field-name';

type RawIssue = z.core.$ZodRawIssue;

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  object: 'a JSON object',
  record: 'a JSON object',
  array: 'a list',
  tuple: 'a list',
  date: 'a date',
  null: 'null',
};

const formats: Readonly<Record<string, string>> = {
  base64: 'must be base64',
  base64url: 'must be base64url',
  date: 'must be a date such as 2026-11-28',
  datetime: 'must be a date and time such as 2026-11-28T10:31:00Z',
  email: 'must be an e-mail address',
  ipv4: 'must be an IPv4 address',
  ipv6: 'must be an IPv6 address',
  json_string: 'must be JSON',
  regex: 'does not have the expected format',
  url: 'must be a URL',
  uuid: 'must be a UUID',
};

/**
 * The fault of a value, as the end of a sentence that starts with the name of the value: "must be true or false". All visible
 * messages of the validator come from here, unless a schema has its own message.
 */
export function validationSentence(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return isAbsent(issue) ? 'is missing' : typeSentence(issue.expected);
    case 'invalid_value':
      if (isAbsent(issue)) return 'is missing';
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      return isAbsent(issue) ? 'is missing' : unionSentence(issue);
    case 'too_small':
      return `must ${bound(issue.origin)} ${quantity(issue.exact, 'at least', issue.inclusive, 'more than')} ${amount(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `must ${bound(issue.origin)} ${quantity(issue.exact, 'at most', issue.inclusive, 'less than')} ${amount(issue.maximum, issue.origin)}`;
    case 'invalid_format':
      return formats[issue.format] ?? formats['regex'] ?? '';
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
      return `${issue.keys.map(shownFieldName).join(', ')} is not known here`;
    case 'invalid_key':
      return `cannot be a name here: ${issue.issues[0]?.message ?? 'it is not valid'}`;
    case 'invalid_element':
      return issue.issues[0]?.message ?? 'is not valid';
    default:
      return 'is not valid';
  }
}

// The validator has one configuration per process. Every app loads this lib, so these sentences apply to all schemas.
z.config({ customError: validationSentence });

function isAbsent({ input }: RawIssue): boolean {
  return input === undefined;
}

function typeSentence(expected: string): string {
  if (expected === 'never' || expected === 'undefined') return 'cannot be set here';
  return `must be ${typeNames[expected] ?? `of type ${expected}`}`;
}

/** The sentence for a value that matches none of several kinds. It lists the kinds, or the fault for each kind. */
function unionSentence({ errors, options }: Extract<RawIssue, { code: 'invalid_union' }>): string {
  if (Array.isArray(options)) return `must be one of ${options.map(String).join(', ')}`;
  const kinds = errors.map(([first]) =>
    first?.code === 'invalid_type' && first.path.length === 0 ? typeNames[first.expected] : undefined,
  );
  if (kinds.length > 0 && kinds.every((kind) => kind !== undefined))
    return `must be ${[...new Set(kinds)].join(', or ')}`;
  const faults = errors.flatMap(([first]) =>
    first === undefined ? [] : [`${first.path.join('.')} ${first.message}`.trim()],
  );
  return faults.length === 0 ? 'is not valid' : [...new Set(faults)].join(', or ');
}

function bound(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'have' : 'be';
}

function quantity(exact: boolean | undefined, within: string, inclusive: boolean | undefined, beyond: string): string {
  if (exact === true) return 'exactly';
  return inclusive === false ? beyond : within;
}

function amount(count: number | bigint, origin: string): string {
  if (origin === 'string') return `${count} character${Number(count) === 1 ? '' : 's'}`;
  if (origin === 'array') return `${count} ${Number(count) === 1 ? 'entry' : 'entries'}`;
  return String(count);
}
