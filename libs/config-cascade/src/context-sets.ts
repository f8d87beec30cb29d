import type { Scope, ScopeName } from './resolve';
import { matchesTags, tagsIn, type TagExpression } from './tag-expression';

/** Properties for all contexts and users whose tags match. */
export interface ContextSet {
  readonly name: string;
  readonly rank: number;
  readonly withTags: TagExpression;
  readonly values: ReadonlyMap<string, string>;
  /** Tags that a matching set adds for the sets after it, as in the files of the original. */
  readonly addTags?: readonly string[];
}

/** The tags that decide which context sets match. */
export interface Tagged {
  readonly context: number;
  /** The context's name; it is a tag, like the id. */
  readonly contextName?: string | undefined;
  readonly contextTags: readonly string[];
  readonly userTags: readonly string[];
}

/** Returns the sets in the order in which they are tried: by rank, lowest first, then by name. */
export function inRankOrder<Set extends Pick<ContextSet, 'rank' | 'name'>>(sets: readonly Set[]): Set[] {
  return [...sets].sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : Number(a.name > b.name)));
}

/** The tags that a list of sets uses, and the matching sets for each combination of these tags. */
interface Matches {
  readonly tags: ReadonlySet<string>;
  readonly byTags: Map<string, readonly Scope[]>;
}

const known = new WeakMap<readonly ContextSet[], Matches>();

/** Maximum number of cached combinations of tags; far more than operators use. */
const maxCombinations = 10_000;

/**
 * The scopes of the matching sets, in the order of `sets`. The result is cached for each combination of tags that `sets` uses,
 * because thousands of contexts have the same combination.
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

/** The properties of one scope in the store: their texts and their `final`. */
export interface ScopeContent {
  readonly values: ReadonlyMap<string, string>;
  readonly finals?: ReadonlyMap<string, ScopeName>;
}

/** The parts of the cascade for a user, a context or the server. */
interface CascadeParts {
  readonly user?: ScopeContent | undefined;
  readonly context?: ScopeContent | undefined;
  readonly sets: readonly Scope[];
  /** The scopes of the server, the widest one last: the values of the API, then the values of the files. */
  readonly server: readonly Scope[];
}

/** The scopes to search, narrowest first. */
export function cascadeOf({ user, context, sets, server }: CascadeParts): readonly Scope[] {
  return [
    ...(user === undefined ? [] : [{ name: 'user' as const, ...user }]),
    ...(context === undefined ? [] : [{ name: 'context' as const, ...context }]),
    ...sets,
    ...server,
  ];
}
