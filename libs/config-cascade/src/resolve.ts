/** The scopes of the cascade, narrowest first; the first that defines a property decides. */
export const scopes = ['user', 'context', 'contextSet', 'server'] as const;
export type ScopeName = (typeof scopes)[number];

/** What one scope says: the text of each property that it defines. */
export interface Scope {
  readonly name: ScopeName;
  /** Which one, where there are several: a context set's name, a file. */
  readonly id?: string;
  readonly values: ReadonlyMap<string, string>;
  /** Which file each value is from, where they are from several; it takes the place of `id`. */
  readonly sources?: ReadonlyMap<string, string>;
  /** For some of its properties, the narrowest scope that may still define them. */
  readonly finals?: ReadonlyMap<string, ScopeName>;
}

/** Where a value came from. */
export type Origin = { readonly scope: ScopeName; readonly id?: string } | { readonly scope: 'default' };

/** A place that was looked at: what it held, and whether a `final` elsewhere kept it from being heard. */
export interface Place {
  readonly name: string;
  readonly origin: Origin;
  readonly text?: string;
  readonly isOverruled: boolean;
}

/** What was found first. */
export interface Found {
  readonly name: string;
  readonly text: string;
  readonly origin: Origin;
}

/**
 * The text of the first of `names` that any scope defines; a more specific name beats a narrower scope. `cascade` goes
 * from narrow to wide. `trail` receives every place that was looked at, in order, up to the one that decided.
 */
export function resolveText(cascade: readonly Scope[], names: readonly string[], trail?: Place[]): Found | undefined {
  for (const name of names) {
    const narrowest = narrowestHeard(cascade, name);
    for (const scope of cascade) {
      const isOverruled = scopes.indexOf(scope.name) < narrowest;
      const text = scope.values.get(name);
      if (trail !== undefined) {
        trail.push({ name, origin: originOf(scope, name), isOverruled, ...(text === undefined ? {} : { text }) });
      }
      if (text !== undefined && !isOverruled) return { name, text, origin: originOf(scope, name) };
    }
  }
  return undefined;
}

/** The index in `scopes` from which on a property is heard. The widest scope that says `final` is obeyed. */
function narrowestHeard(cascade: readonly Scope[], name: string): number {
  for (let index = cascade.length - 1; index >= 0; index--) {
    const final = cascade[index]?.finals?.get(name);
    if (final !== undefined) return scopes.indexOf(final);
  }
  return 0;
}

function originOf({ name: scope, id, sources }: Scope, name: string): Origin {
  const which = sources?.get(name) ?? id;
  return which === undefined ? { scope } : { scope, id: which };
}
