import type { ConfigStore, StoredContext, StoredProperty, StoredUser } from '@pns/persistence';
import { LRUCache } from 'lru-cache';
import { cascadeOf, matchingSets, type ContextSet, type ScopeContent, type Tagged } from './context-sets';
import type { Scope, ScopeName } from './resolve';

/** Whom a property is asked for. */
export interface Subject {
  readonly context: number;
  readonly user: number;
}

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
  | ({ readonly scope: 'user' } & Subject);

interface Known {
  /** The number of the last change before it was read; lower than the cache's `freshSince` means it may be outdated. */
  freshAs: number;
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

/** Knows what is set for contexts and users, as many as are in use. Outdated knowledge serves until it is read again. */
export class SubjectCache {
  private readonly contexts = new LRUCache<number, KnownContext>({ max: maxContexts });
  private readonly users = new LRUCache<string, Known>({ max: maxUsers });
  private freshSince = 0;
  private changes = 0;

  constructor(private readonly store: Pick<ConfigStore, 'subjects'>) {}

  /** Whether nothing of `subjects` is unknown or outdated. */
  knows(subjects: readonly Subject[]): boolean {
    return subjects.every(({ context, user }) => {
      const known = this.contexts.get(context);
      return this.isFresh(known) && (!known.hasUsers || this.isFresh(this.users.get(keyOf({ context, user }))));
    });
  }

  /** Reads what is unknown or outdated of `subjects` in one query, or none. */
  async load(subjects: readonly Subject[]): Promise<void> {
    const contexts = new Set<number>();
    const users = new Map<string, Subject>();
    for (const { context, user } of subjects) {
      if (this.knows([{ context, user }])) continue;
      if (!this.isFresh(this.contexts.get(context))) contexts.add(context);
      users.set(keyOf({ context, user }), { context, user });
    }
    if (users.size === 0) return;
    const changes = this.changes;
    const rows = await this.store.subjects([...contexts], [...users.values()]);
    // What changed while it was read may have been read before the change, and is read again the next time.
    const freshAs = this.changes === changes ? changes : -1;
    for (const row of rows.contexts) this.contexts.set(row.context, knownContext(row, freshAs));
    for (const row of rows.users) {
      if (this.contexts.peek(row.context)?.hasUsers === true) this.users.set(keyOf(row), knownUser(row, freshAs));
    }
  }

  /** The cascade of a subject, or undefined for one that was never loaded, or not lately. */
  cascadeOf(subject: Subject, common: Common): readonly Scope[] | undefined {
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
    this.changes++;
    if (change.scope === 'server') return;
    const context = this.contexts.peek(change.context);
    if (change.scope === 'context') {
      if (context !== undefined) context.freshAs = -1;
      if (change.withUsers === true) this.forgetUsersOf(change.context);
      return;
    }
    if (context !== undefined && !context.hasUsers) context.freshAs = -1; // it may have users now
    const user = this.users.peek(keyOf(change));
    if (user !== undefined) user.freshAs = -1;
  }

  /** Marks everything as outdated. */
  forgetAll(): void {
    this.freshSince = ++this.changes;
  }

  /** Looks at all entries, some milliseconds long: a context is erased far too seldom to keep a list for each. */
  private forgetUsersOf(context: number): void {
    for (const [key, user] of this.users.entries()) if (key.startsWith(`${context}:`)) user.freshAs = -1;
  }

  private isFresh<Entry extends Known>(known: Entry | undefined): known is Entry {
    return known !== undefined && known.freshAs >= this.freshSince;
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

function keyOf({ context, user }: Subject): string {
  return `${context}:${user}`;
}

function knownContext({ name, tags, properties, hasUsers }: StoredContext, freshAs: number): KnownContext {
  return { freshAs, content: contentOf(properties), name, tags, hasUsers };
}

function knownUser({ tags, properties }: StoredUser, freshAs: number): Known {
  return { freshAs, content: contentOf(properties), tags };
}

/** What properties as they are kept say; undefined for none. */
export function contentOf(properties: readonly StoredProperty[]): ScopeContent | undefined {
  if (properties.length === 0) return undefined;
  const finals = new Map<string, ScopeName>();
  for (const { name, final } of properties) if (final !== undefined) finals.set(name, final);
  const values = new Map(properties.map(({ name, value }) => [name, value]));
  return finals.size === 0 ? { values } : { values, finals };
}
