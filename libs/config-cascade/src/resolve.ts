/** The scopes of the cascade, narrowest first; the first that defines a property decides. */
export const scopes = ['user', 'context', 'contextSet', 'server'] as const;
/** The name of a scope. `default` is an origin of values, but no scope. */
export type ScopeName = (typeof scopes)[number];

/** One scope: the text of each property that it defines. */
export interface Scope {
  readonly name: ScopeName;
  /** Distinguishes scopes with the same name: a context set's name, or a file. */
  readonly id?: string;
  readonly values: ReadonlyMap<string, string>;
  /** The file of each value, when the scope has several files; replaces `id`. */
  readonly sources?: ReadonlyMap<string, string>;
  /** Properties whose values in a file cannot be read, if no earlier values are known. `all`: a whole file cannot be read. */
  readonly unknown?: 'all' | ReadonlySet<string>;
  /** For each property with a `final`, the narrowest scope that may still define it. */
  readonly finals?: ReadonlyMap<string, ScopeName>;
}

/** The origin of a value. */
export type Origin = { readonly scope: ScopeName; readonly id?: string } | { readonly scope: 'default' };

/** A place that was searched: the text in it, and whether a `final` in a wider scope overruled it. */
export interface Place {
  readonly name: string;
  readonly origin: Origin;
  readonly text?: string;
  readonly isOverruled: boolean;
}

/** The text that decides, with its name and origin. */
export interface Found {
  readonly name: string;
  readonly text: string;
  readonly origin: Origin;
}

/**
 * The text of the first of `names` that any scope defines. A more specific name takes precedence over a narrower scope. `cascade` is
 * ordered from narrow to wide. All places that were searched are added to `trail`, in order, up to the place that decided.
 */
export function resolveText(cascade: readonly Scope[], names: readonly string[], trail?: Place[]): Found | undefined {
  for (const name of names) {
    const narrowest = narrowestAllowed(cascade, name);
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

/** The index in `scopes` of the narrowest scope that may define a property. The widest scope with a `final` decides. */
function narrowestAllowed(cascade: readonly Scope[], name: string): number {
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
