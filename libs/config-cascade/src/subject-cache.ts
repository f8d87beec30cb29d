import type { ConfigStore, StoredContext, StoredProperty, StoredUser } from '@pns/persistence';
import { LRUCache } from 'lru-cache';
import type { UserKey } from '@pns/subscriptions';
import { cascadeOf, matchingSets, type ContextSet, type ScopeContent, type Tagged } from './context-sets';
import type { Scope, ScopeName } from './resolve';

/** The parts of the cascade that all users share. A change creates a new object. */
export interface Common {
  readonly server: readonly Scope[];
  /** The context sets in the order in which they are tried. */
  readonly sets: readonly ContextSet[];
}

/** A change of the configuration. */
export type ConfigChange =
  | { readonly scope: 'server' }
  /** `withUsers`: the values of all users of the context changed too. */
  | { readonly scope: 'context'; readonly context: number; readonly withUsers?: true }
  | ({ readonly scope: 'user' } & UserKey);

interface Known {
  /** The cache's generation when the entry was read. If the current generation differs, the entry may be outdated. */
  generation: number;
  readonly content: ScopeContent | undefined;
  readonly tags: readonly string[];
  /** The cascade, and the parts from which it was made. */
  made?: { readonly cascade: readonly Scope[]; readonly common: Common; readonly context: KnownContext };
}

interface KnownContext extends Known {
  readonly name: string | undefined;
  /** Whether any of its users has own tags or properties. Only then users have entries in the cache. */
  readonly hasUsers: boolean;
}

// The most entries, of some hundred bytes each. No batch needs as many, so values that were loaded for a batch are still in the
// cache when they are used.
const maxContexts = 131_072;
const maxUsers = 131_072;

/**
 * Maximum number of characters of values and tags that are kept for contexts; the same number for users. It is enough for 888
 * users with the longest possible values and tags. A batch of the dispatcher has fewer users.
 */
const maxCharacters = 64 * 1024 * 1024;

/** The generation of entries that must be read again. */
const outdated = -1;

/** The values of the contexts and users in use. Outdated entries are used until they are read again. */
export class SubjectCache {
  private readonly contexts = new LRUCache<number, KnownContext>({
    max: maxContexts,
    maxSize: maxCharacters,
    sizeCalculation: charactersOf,
  });
  private readonly users = new LRUCache<string, Known>({
    max: maxUsers,
    maxSize: maxCharacters,
    sizeCalculation: charactersOf,
  });
  /** Increased when all entries become outdated. */
  private generation = 0;
  /** The changes that arrive during a `load`; a list for each `load` in progress. */
  private readonly changesDuringLoad = new Set<ConfigChange[]>();

  constructor(private readonly store: Pick<ConfigStore, 'subjects'>) {}

  /** Whether the values of all `subjects` are known and not outdated. */
  knows(subjects: readonly UserKey[]): boolean {
    return subjects.every(({ context, user }) => {
      const known = this.contexts.get(context);
      return this.isFresh(known) && (!known.hasUsers || this.isFresh(this.users.get(keyOf({ context, user }))));
    });
  }

  /** Reads the unknown and outdated values of `subjects` in at most one query. */
  async load(subjects: readonly UserKey[]): Promise<void> {
    const contexts = new Set<number>();
    const users = new Map<string, UserKey>();
    for (const { context, user } of subjects) {
      if (this.knows([{ context, user }])) continue;
      if (!this.isFresh(this.contexts.get(context))) contexts.add(context);
      users.set(keyOf({ context, user }), { context, user });
    }
    if (users.size === 0) return;
    const { generation } = this;
    const changes: ConfigChange[] = [];
    this.changesDuringLoad.add(changes);
    try {
      const rows = await this.store.subjects([...contexts], [...users.values()]);
      for (const row of rows.contexts) this.contexts.set(row.context, knownContext(row, generation));
      for (const row of rows.users) {
        if (this.contexts.peek(row.context)?.hasUsers === true) this.users.set(keyOf(row), knownUser(row, generation));
      }
    } finally {
      this.changesDuringLoad.delete(changes);
    }
    // Values may have been read before they changed, so they are read again at the next `load`.
    for (const change of changes) this.outdate(change);
  }

  /** The cascade of a subject; undefined when the subject is not in the cache. */
  cascadeOf(subject: UserKey, common: Common): readonly Scope[] | undefined {
    const context = this.contexts.get(subject.context);
    if (context === undefined) return undefined;
    const known = context.hasUsers ? this.users.get(keyOf(subject)) : context;
    if (known === undefined) return undefined;
    if (known.made?.common !== common || known.made.context !== context) {
      known.made = { common, context, cascade: newCascade(subject.context, common, context, known) };
    }
    return known.made.cascade;
  }

  /** Marks the entries that a change concerns as outdated. */
  forget(change: ConfigChange): void {
    for (const changes of this.changesDuringLoad) changes.push(change);
    this.outdate(change);
  }

  /** Marks all entries as outdated, including those that are being read. */
  forgetAll(): void {
    this.generation++;
  }

  private outdate(change: ConfigChange): void {
    if (change.scope === 'server') return;
    const context = this.contexts.peek(change.context);
    if (change.scope === 'context') {
      if (context !== undefined) context.generation = outdated;
      if (change.withUsers === true) this.outdateUsersOf(change.context);
      return;
    }
    if (context !== undefined && !context.hasUsers) context.generation = outdated; // the context may have users now
    const user = this.users.peek(keyOf(change));
    if (user !== undefined) user.generation = outdated;
  }

  /** Marks the users of a context as outdated. The search takes some ms, but a context is too rarely erased for an index. */
  private outdateUsersOf(context: number): void {
    for (const [key, user] of this.users.entries()) if (key.startsWith(`${context}:`)) user.generation = outdated;
  }

  private isFresh<Entry extends Known>(known: Entry | undefined): known is Entry {
    return known?.generation === this.generation;
  }
}

function newCascade(context: number, common: Common, ofContext: KnownContext, known: Known): readonly Scope[] {
  const isUser = known !== ofContext;
  // Users without own tags and properties share the cascade of their context.
  if (isUser && known.content === undefined && known.tags.length === 0 && ofContext.made?.common === common) {
    return ofContext.made.cascade;
  }
  const tagged: Tagged = {
    context,
    contextName: ofContext.name,
    contextTags: ofContext.tags,
    userTags: isUser ? known.tags : [],
  };
  return cascadeOf({
    user: isUser ? known.content : undefined,
    context: ofContext.content,
    sets: matchingSets(common.sets, tagged),
    server: common.server,
  });
}

/** The number of characters in an entry's tags and properties, plus 1, because the cache refuses 0. */
function charactersOf({ content, tags }: Known): number {
  let characters = 1;
  for (const tag of tags) characters += tag.length;
  for (const [name, value] of content?.values ?? []) characters += name.length + value.length;
  return characters;
}

function keyOf({ context, user }: UserKey): string {
  return `${context}:${user}`;
}

function knownContext({ name, tags, properties, hasUsers }: StoredContext, generation: number): KnownContext {
  return { generation, content: contentOf(properties), name, tags, hasUsers };
}

function knownUser({ tags, properties }: StoredUser, generation: number): Known {
  return { generation, content: contentOf(properties), tags };
}

/** The texts and `final` of stored properties; undefined for an empty list. */
export function contentOf(properties: readonly StoredProperty[]): ScopeContent | undefined {
  if (properties.length === 0) return undefined;
  const finals = new Map<string, ScopeName>();
  for (const { name, final } of properties) if (final !== undefined) finals.set(name, final);
  const values = new Map(properties.map(({ name, value }) => [name, value]));
  return finals.size === 0 ? { values } : { values, finals };
}
