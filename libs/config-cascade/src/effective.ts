import { knownProperty, registry } from './property-registry';
import { propertyValue } from './property-check';
import { resolveText, type Origin, type Scope } from './resolve';

/** The value of a property in a cascade, and its origin. */
interface EffectiveProperty {
  readonly name: string;
  readonly value: unknown;
  readonly origin: Origin;
}

/** The properties whose names start with `prefix`, sorted by name. A name with suffixes is included only if it is set. */
export function effectiveProperties(cascade: readonly Scope[], prefix: string): EffectiveProperty[] {
  const set = cascade.flatMap(({ values }) => [...values.keys()]).filter((name) => knownProperty(name) !== undefined);
  const names = [...new Set([...registry.keys(), ...set])].filter((name) => name.startsWith(prefix)).sort();
  return names.flatMap((name) => {
    const found = resolveText(cascade, [name]);
    if (found !== undefined) return [{ name, value: propertyValue(name, found.text), origin: found.origin }];
    const property = registry.get(name);
    return property === undefined ? [] : [{ name, value: property.fallback, origin: { scope: 'default' } as const }];
  });
}
