import type { Scope, ScopeName } from './resolve';
import { matchesTags, tagsIn, type TagExpression } from './tag-expression';

/** Properties for every context, or user, whose tags fit. */
export interface ContextSet {
  readonly name: string;
  readonly rank: number;
  readonly withTags: TagExpression;
  readonly values: ReadonlyMap<string, string>;
  /** Tags that a match adds for the sets after it, as in the original's files. */
  readonly addTags?: readonly string[];
}

/** Whose tags decide which context sets match. */
export interface Tagged {
  readonly context: number;
  /** The context's name, a tag like its id. */
  readonly contextName?: string | undefined;
  readonly contextTags: readonly string[];
  readonly userTags: readonly string[];
}

/** The order in which sets are tried: by rank, lowest first, then by name. */
export function inRankOrder<Set extends Pick<ContextSet, 'rank' | 'name'>>(sets: readonly Set[]): Set[] {
  return [...sets].sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : Number(a.name > b.name)));
}

/** What is known of a list of sets: the tags that any of them asks for, and which match for those. */
interface Matches {
  readonly tags: ReadonlySet<string>;
  readonly byTags: Map<string, readonly Scope[]>;
}

const known = new WeakMap<readonly ContextSet[], Matches>();

/** More combinations of tags than operators think of, and a bound for those that come by themselves. */
const maxCombinations = 10_000;

/**
 * The scopes of the sets that match, in the order of `sets`. Contexts by the thousand carry the same few tags that count,
 * so what matches is worked out once for each combination of these.
 */
export function matchingSets(sets: readonly ContextSet[], tagged: Tagged): readonly Scope[] {
  const { context, contextName, contextTags, userTags } = tagged;
  const { tags, byTags } = matchesOf(sets);
  const carried = [String(context), ...(contextName === undefined ? [] : [contextName]), ...contextTags, ...userTags];
  const counting = carried.filter((tag) => tags.has(tag)).sort();
  const key = counting.join('\n');
  let matching = byTags.get(key);
  if (matching === undefined) {
    matching = matchingNow(sets, new Set(counting));
    if (byTags.size >= maxCombinations) byTags.clear();
    byTags.set(key, matching);
  }
  return matching;
}

function matchesOf(sets: readonly ContextSet[]): Matches {
  let matches = known.get(sets);
  if (matches === undefined) {
    matches = { tags: new Set(sets.flatMap(({ withTags }) => tagsIn(withTags))), byTags: new Map() };
    known.set(sets, matches);
  }
  return matches;
}

function matchingNow(sets: readonly ContextSet[], tags: Set<string>): Scope[] {
  const matching: Scope[] = [];
  for (const { name, withTags, values, addTags = [] } of sets) {
    if (!matchesTags(withTags, tags)) continue;
    matching.push({ name: 'contextSet', id: name, values });
    for (const tag of addTags) tags.add(tag);
  }
  return matching;
}

/** What one place in the store says: the text of its properties and their `final`. */
export interface ScopeContent {
  readonly values: ReadonlyMap<string, string>;
  readonly finals?: ReadonlyMap<string, ScopeName>;
}

/** Everything that the cascade is made of for one user, or a context, or the server as a whole. */
export interface CascadeParts {
  readonly user?: ScopeContent | undefined;
  readonly context?: ScopeContent | undefined;
  readonly sets: readonly Scope[];
  /** Widest last: what the API wrote, then the files below it. */
  readonly server: readonly Scope[];
}

/** The scopes in which to look, narrowest first. */
export function cascadeOf({ user, context, sets, server }: CascadeParts): readonly Scope[] {
  return [
    ...(user === undefined ? [] : [{ name: 'user' as const, ...user }]),
    ...(context === undefined ? [] : [{ name: 'context' as const, ...context }]),
    ...sets,
    ...server,
  ];
}
