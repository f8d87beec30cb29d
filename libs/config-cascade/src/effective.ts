import { knownProperty, registry } from './properties';
import { propertyValue } from './property-check';
import { resolveText, type Origin, type Scope } from './resolve';

/** What a property amounts to somewhere, and where that comes from. */
export interface EffectiveProperty {
  readonly name: string;
  readonly value: unknown;
  readonly origin: Origin;
}

/** Every known property, and every suffixed one that is set, whose name starts with `prefix`, by name. */
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
