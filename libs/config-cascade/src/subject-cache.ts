import type { ConfigStore, StoredContext, StoredProperty, StoredUser } from '@pns/persistence';
import { LRUCache } from 'lru-cache';
import type { UserKey } from '@pns/subscriptions';
import { cascadeOf, matchingSets, type ContextSet, type ScopeContent, type Tagged } from './context-sets';
import type { Scope, ScopeName } from './resolve';

/** What holds for everybody. A change makes a new object of it. */
export interface Common {
  readonly server: readonly Scope[];
  /** In the order in which they are tried. */
  readonly sets: readonly ContextSet[];
}

/** What was written. */
export type ConfigChange =
  | { readonly scope: 'server' }
  /** `withUsers`: and for all of its users. */
  | { readonly scope: 'context'; readonly context: number; readonly withUsers?: true }
  | ({ readonly scope: 'user' } & UserKey);

interface Known {
  /** The cache's generation when it was read; another one than the current means it may be outdated. */
  generation: number;
  readonly content: ScopeContent | undefined;
  readonly tags: readonly string[];
  /** The cascade, and what it was made from. */
  made?: { readonly cascade: readonly Scope[]; readonly common: Common; readonly context: KnownContext };
}

interface KnownContext extends Known {
  readonly name: string | undefined;
  /** Only then do users have entries of their own. */
  readonly hasUsers: boolean;
}

// Some hundred bytes each. More than any batch holds, so that what was loaded for one is there when it is asked for.
const maxContexts = 131_072;
const maxUsers = 131_072;

/** The generation of what is to be read again. */
const outdated = -1;

/** Knows what is set for contexts and users, as many as are in use. Outdated knowledge serves until it is read again. */
export class SubjectCache {
  private readonly contexts = new LRUCache<number, KnownContext>({ max: maxContexts });
  private readonly users = new LRUCache<string, Known>({ max: maxUsers });
  /** Grows when everything becomes outdated at once. */
  private generation = 0;
  /** What changes while it is being read; a list for each `load` under way. */
  private readonly meanwhile = new Set<ConfigChange[]>();

  constructor(private readonly store: Pick<ConfigStore, 'subjects'>) {}

  /** Whether nothing of `subjects` is unknown or outdated. */
  knows(subjects: readonly UserKey[]): boolean {
    return subjects.every(({ context, user }) => {
      const known = this.contexts.get(context);
      return this.isFresh(known) && (!known.hasUsers || this.isFresh(this.users.get(keyOf({ context, user }))));
    });
  }

  /** Reads what is unknown or outdated of `subjects` in one query, or none. */
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
    this.meanwhile.add(changes);
    try {
      const rows = await this.store.subjects([...contexts], [...users.values()]);
      for (const row of rows.contexts) this.contexts.set(row.context, knownContext(row, generation));
      for (const row of rows.users) {
        if (this.contexts.peek(row.context)?.hasUsers === true) this.users.set(keyOf(row), knownUser(row, generation));
      }
    } finally {
      this.meanwhile.delete(changes);
    }
    // These may have been read before they changed, and are read again the next time.
    for (const change of changes) this.outdate(change);
  }

  /** The cascade of a subject, or undefined for one that was never loaded, or not lately. */
  cascadeOf(subject: UserKey, common: Common): readonly Scope[] | undefined {
    const context = this.contexts.get(subject.context);
    if (context === undefined) return undefined;
    const known = context.hasUsers ? this.users.get(keyOf(subject)) : context;
    if (known === undefined) return undefined;
    if (known.made?.common !== common || known.made.context !== context) {
      known.made = { common, context, cascade: madeCascade(subject.context, common, context, known) };
    }
    return known.made.cascade;
  }

  /** Marks as outdated what a change concerns. */
  forget(change: ConfigChange): void {
    for (const changes of this.meanwhile) changes.push(change);
    this.outdate(change);
  }

  /** Marks everything as outdated, what is being read included. */
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
    if (context !== undefined && !context.hasUsers) context.generation = outdated; // it may have users now
    const user = this.users.peek(keyOf(change));
    if (user !== undefined) user.generation = outdated;
  }

  /** Looks at all entries, some milliseconds long: a context is erased far too seldom to keep a list for each. */
  private outdateUsersOf(context: number): void {
    for (const [key, user] of this.users.entries()) if (key.startsWith(`${context}:`)) user.generation = outdated;
  }

  private isFresh<Entry extends Known>(known: Entry | undefined): known is Entry {
    return known?.generation === this.generation;
  }
}

function madeCascade(context: number, common: Common, ofContext: KnownContext, known: Known): readonly Scope[] {
  const isUser = known !== ofContext;
  // Users without anything of their own share the context's.
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

function keyOf({ context, user }: UserKey): string {
  return `${context}:${user}`;
}

function knownContext({ name, tags, properties, hasUsers }: StoredContext, generation: number): KnownContext {
  return { generation, content: contentOf(properties), name, tags, hasUsers };
}

function knownUser({ tags, properties }: StoredUser, generation: number): Known {
  return { generation, content: contentOf(properties), tags };
}

/** What properties as they are kept say; undefined for none. */
export function contentOf(properties: readonly StoredProperty[]): ScopeContent | undefined {
  if (properties.length === 0) return undefined;
  const finals = new Map<string, ScopeName>();
  for (const { name, final } of properties) if (final !== undefined) finals.set(name, final);
  const values = new Map(properties.map(({ name, value }) => [name, value]));
  return finals.size === 0 ? { values } : { values, finals };
}
