import { isFieldName, PnsError } from '@pns/runtime';
import { distance } from 'fastest-levenshtein';
import { originalPropertyAdvice } from './original-names';
import type { Property, PropertyType } from './properties';
import { knownProperty, registry } from './property-registry';
import type { ScopeName } from './resolve';

/** The input for a property: its text, or a value of the property's type. */
type PropertyInput = string | number | boolean | readonly string[];

/**
 * Checks that the property accepts `value` in this scope, and returns the text to store.
 *
 * @throws PnsError `PROPERTY_UNKNOWN` with advice, `PROPERTY_SCOPE_REFUSED`, `PROPERTY_VALUE_INVALID`.
 */
export function propertyText(name: string, value: PropertyInput, scope: ScopeName): string {
  const property = knownProperty(name);
  if (property === undefined) {
    throw new PnsError('PROPERTY_UNKNOWN', `There is no property ${name}: it ${unknownReason(name)}.`);
  }
  if (!property.scopes.includes(scope)) {
    throw new PnsError('PROPERTY_SCOPE_REFUSED', scopesSentence(name, property));
  }
  const mismatch = typeFault(value, property.type);
  if (mismatch !== undefined) throw new PnsError('PROPERTY_VALUE_INVALID', `${name} ${mismatch}.`);
  const text = String(value).trim();
  const fault = valueFault(property, text);
  if (fault !== undefined) throw new PnsError('PROPERTY_VALUE_INVALID', `${name} ${fault}.`);
  return text;
}

function typeFault(value: PropertyInput, type: PropertyType): string | undefined {
  if (typeof value === 'string') return undefined;
  if (typeof value === 'number') return type === 'integer' ? undefined : 'cannot be a number';
  if (typeof value === 'boolean') return type === 'boolean' ? undefined : 'cannot be true or false';
  return type === 'list' ? undefined : 'cannot be a list';
}

/** A sentence that lists the scopes in which a property can be set. */
export function scopesSentence(name: string, { scopes }: Pick<Property<unknown>, 'scopes'>): string {
  return `${name} can only be set for: ${scopes.map((each) => scopeTitles[each]).join(', ')}.`;
}

/** The value of `text`; the text itself when the property is unknown or the text cannot be read. */
export function propertyValue(name: string, text: string): unknown {
  const read = knownProperty(name)?.schema.safeParse(text);
  return read?.success === true ? read.data : text;
}

/** Why `text` is not valid for a property, as the end of a sentence; undefined when it is valid. */
export function valueFault({ schema }: Pick<Property<unknown>, 'schema'>, text: string): string | undefined {
  const fault = schema.safeParse(text).error?.issues[0]?.message;
  return fault === undefined || text !== '' ? fault : `is empty and ${fault}`;
}

/** An unknown name that matches this pattern is a mistake or a name of the original. */
const ourNames = /^(?:-D|["'])?com\.openexchange\.(?:pns|webhooks|websockets)(?:\.|$)/i;

/** The fault of an unknown name in a file; undefined for a name of other software. */
export function foreignNameReason(name: string): string | undefined {
  return originalPropertyAdvice(name) ?? (ourNames.test(name) ? unknownReason(name) : undefined);
}

/**
 * The part of an unknown name that may be shown; undefined if there is none. If a line has a colon in place of =, the name contains the
 * value, which may be a secret.
 */
export function shownPropertyName(name: string): string | undefined {
  const [head = '', ...rest] = name.split(':');
  if (!isFieldName(head)) return undefined;
  return rest.length === 0 ? head : `${head}:${rest.join('') === '' ? '' : '…'}`;
}

/** Why a name is unknown and what to do, as the end of a sentence. */
function unknownReason(name: string): string {
  const advice = originalPropertyAdvice(name);
  if (advice !== undefined) return advice;
  const withoutColon = name.replace(/:.*$/s, '');
  if (withoutColon !== name && knownProperty(withoutColon) !== undefined) {
    return 'is not known: a colon is part of the name; separate name and value with =';
  }
  const nearest = nearestProperty(name);
  if (nearest === undefined) return 'is not known; GET /v1/config/properties lists all names';
  return `is not known; the nearest is ${nearest}`;
}

/** The known name with the most similar spelling. Suffixes of `name` for clients and topics are ignored. */
function nearestProperty(name: string): string | undefined {
  const words = name.slice(0, 300).toLowerCase().split('.');
  let nearest: { readonly known: string; readonly mistakes: number } | undefined;
  for (const known of registry.keys()) {
    const knownWords = known.toLowerCase().split('.');
    const begin = knownWords.findIndex((word, index) => word !== words[index]);
    // `name` is the known name with a suffix or in another case.
    if (begin === -1) return known;
    const part = knownWords.slice(begin).join('.');
    const mistakes = distance(words.slice(begin, knownWords.length).join('.'), part);
    const isNear = mistakes <= Math.max(2, part.length / 3);
    if (isNear && mistakes < (nearest?.mistakes ?? Infinity)) nearest = { known, mistakes };
  }
  return nearest?.known;
}

/** The names of the scopes in sentences. */
const scopeTitles: Readonly<Record<ScopeName, string>> = {
  user: 'a user',
  context: 'a context',
  contextSet: 'a context set',
  server: 'the server',
};
