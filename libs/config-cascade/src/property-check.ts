import { PnsError } from '@pns/runtime';
import { closest } from 'fastest-levenshtein';
import { knownProperty, registry, type Property, type PropertyType } from './properties';
import type { ScopeName } from './resolve';

/** What a property may be given: its text, or what that text stands for by the property's type. */
export type PropertyInput = string | number | boolean | readonly string[];

/**
 * The text of `value`, once it is clear that the property takes it in this scope.
 *
 * @throws PnsError `PROPERTY_UNKNOWN` with the nearest name, `PROPERTY_SCOPE_REFUSED`, `PROPERTY_VALUE_INVALID`.
 */
export function propertyText(name: string, value: PropertyInput, scope: ScopeName): string {
  const property = knownProperty(name);
  if (property === undefined) {
    throw new PnsError('PROPERTY_UNKNOWN', `There is no property ${name}; the nearest is ${nearestProperty(name)}.`);
  }
  if (!property.scopes.includes(scope)) {
    throw new PnsError('PROPERTY_SCOPE_REFUSED', scopesSentence(name, property));
  }
  const misfit = typeFault(value, property.type);
  if (misfit !== undefined) throw new PnsError('PROPERTY_VALUE_INVALID', `${name} ${misfit}.`);
  const text = String(value).trim();
  const fault = property.schema.safeParse(text).error?.issues[0];
  if (fault !== undefined) throw new PnsError('PROPERTY_VALUE_INVALID', `${name} ${fault.message}.`);
  return text;
}

function typeFault(value: PropertyInput, type: PropertyType): string | undefined {
  if (typeof value === 'string') return undefined;
  if (typeof value === 'number') return type === 'integer' ? undefined : 'cannot be a number';
  if (typeof value === 'boolean') return type === 'boolean' ? undefined : 'cannot be true or false';
  return type === 'list' ? undefined : 'cannot be a list';
}

/** Says where a property can be set. */
export function scopesSentence(name: string, { scopes }: Pick<Property<unknown>, 'scopes'>): string {
  return `${name} can only be set for: ${scopes.map((each) => scopeTitles[each]).join(', ')}.`;
}

/** The value that `text` stands for; the text itself where PNS does not know the property or cannot read it. */
export function propertyValue(name: string, text: string): unknown {
  const read = knownProperty(name)?.schema.safeParse(text);
  return read?.success === true ? read.data : text;
}

/** The known name that is spelt most like `name`. */
export function nearestProperty(name: string): string {
  return closest(name.slice(0, 300), [...registry.keys()]);
}

/** What people call the scopes. */
export const scopeTitles: Readonly<Record<ScopeName, string>> = {
  user: 'a user',
  context: 'a context',
  contextSet: 'a context set',
  server: 'the server',
};
