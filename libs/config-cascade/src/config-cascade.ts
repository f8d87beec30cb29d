import type { ConfigStore, StoredCommon } from '@pns/persistence';
import type { PushStyle } from '@pns/payloads';
import { log } from '@pns/runtime';
import type { UserKey } from '@pns/subscriptions';
import type { TransportName } from '@pns/transport-contract';
import { inRankOrder, matchingSets, type ContextSet } from './context-sets';
import type { AggregationMode } from '@pns/notifications';
import { aggregationOfTopic, properties, type HistoryMode, type PropertyName, type PropertyValue } from './properties';
import { namesFor, registry } from './property-registry';
import { Readings } from './readings';
import { resolveText, type Origin, type Place, type Scope } from './resolve';
import { contentOf, SubjectCache, type Common, type ConfigChange } from './subject-cache';
import { parseTagExpression } from './tag-expression';
import { decide, isEnabledForSome, type Decision, type Target } from './transport-switch';

/** The content of the configuration folder. Values in Postgres take precedence over it. */
export interface FileScopes {
  readonly server: Scope;
  readonly sets: readonly ContextSet[];
}

/** If the listener returns a promise, the change waits for it. The promise must not reject. */
type Listener = () => unknown;

/** Maximum number of derived values for each cascade. A limit is needed, because producers may use any number of topics. */
const maxDerivedValues = 1000;

/** Resolves properties for users from memory, with the origin of each value. */
export class ConfigCascade {
  private readonly listeners = new Set<Listener>();
  private readonly readings = new Readings();
  /** Values derived from each cascade. A change creates a new cascade, so no entry can be outdated. */
  private readonly derived = new WeakMap<readonly Scope[], Map<string, unknown>>();
  private readonly subjects: SubjectCache | undefined;
  private common: Common = { server: [], sets: [] };
  private stored: Common = { server: [], sets: [] };
  private files: FileScopes = { server: { name: 'server', values: new Map() }, sets: [] };
  private refreshing: Promise<void> | undefined;
  private wantedRefreshes = 0;

  /** Without a store there are only the server scope and the context sets of files. */
  constructor(
    server: Scope = { name: 'server', values: new Map() },
    private readonly store?: Pick<ConfigStore, 'common' | 'subjects'>,
  ) {
    this.subjects = store === undefined ? undefined : new SubjectCache(store);
    this.replaceServerScope(server);
  }

  /** Replaces the content of the files by this server scope, without context sets, and calls every listener. */
  replaceServerScope(server: Scope): void {
    this.replaceFiles({ server, sets: [] });
  }

  /** The usable content of the files. */
  get fileScopes(): FileScopes {
    return this.files;
  }

  /** Replaces the content of the files and calls every listener. */
  replaceFiles(files: FileScopes): void {
    this.files = files;
    void this.assemble();
  }

  /**
   * Calls `listener` after each change of the server scope or the context sets, until the returned function is called. `refresh` and
   * `apply` resolve after all listeners are done.
   */
  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Loads the values of these users for `resolve` and `isEnabled`. Makes one query for all unknown and changed users, or no query
   * if all users are known and unchanged. Rejects if the query fails.
   */
  async load(subjects: readonly UserKey[]): Promise<void> {
    await this.subjects?.load(subjects);
  }

  /** Whether all these users are loaded and unchanged. */
  knows(subjects: readonly UserKey[]): boolean {
    return this.subjects === undefined || this.subjects.knows(subjects);
  }

  /** Reads the server scope and the context sets again. Resolves when changes that were written before the call are in effect. */
  refresh(): Promise<void> {
    if (this.store === undefined) return Promise.resolve();
    this.wantedRefreshes++;
    this.refreshing ??= this.refreshUntilLatest(this.store);
    return this.refreshing;
  }

  /** Applies a change that was written. A change of the server takes effect at once, any other change with the next `load`. */
  async apply(change: ConfigChange): Promise<void> {
    this.subjects?.forget(change);
    if (change.scope === 'server') await this.refresh();
  }

  /** Reads everything again, because announcements may be lost. Users are read with the next `load`. */
  async applyAny(): Promise<void> {
    this.subjects?.forgetAll();
    await this.refresh();
  }

  /** The value for `subject`; the value of the server without a subject or for a subject that was not loaded. */
  resolve<Name extends PropertyName>(
    name: Name,
    subject?: UserKey,
  ): { readonly value: PropertyValue<Name>; readonly origin: Origin } {
    return this.firstOf(name, [name], subject);
  }

  /**
   * The value of the server, as `resolve` returns it, for actions that cannot be undone. Undefined if the configured value cannot
   * be read, because the operator may not want the default.
   */
  certainValue<Name extends PropertyName>(name: Name): PropertyValue<Name> | undefined {
    const { value, origin } = this.resolve(name);
    const isStored = this.stored.server.some(({ values }) => values.has(name));
    const isUnreadable = origin.scope === 'default' && resolveText(this.common.server, [name]) !== undefined;
    const { unknown } = this.files.server;
    const isUnknown = unknown === 'all' || unknown?.has(name) === true;
    return isUnreadable || (isUnknown && !isStored) ? undefined : value;
  }

  /** The aggregation mode for notifications of `topic` to `subject`. */
  aggregationMode(topic: string, subject: UserKey): AggregationMode {
    const name = 'com.openexchange.pns.aggregation';
    const { value, origin } = this.firstOf(name, [`${name}.${topic}`, name], subject);
    return origin.scope === 'default' ? (aggregationOfTopic.get(topic) ?? value) : value;
  }

  /** The history mode for notifications of `topic` to `subject`. */
  historyMode(topic: string, subject: UserKey): HistoryMode {
    const name = 'com.openexchange.pns.history';
    return this.derive(subject, `history ${topic}`, () => {
      // com.openexchange.pns.history.retention is another property, so no history mode can be set for a topic `retention`.
      const names = registry.has(`${name}.${topic}`) ? [name] : [`${name}.${topic}`, name];
      return this.firstOf(name, names, subject).value;
    });
  }

  /**
   * The templates, badge and sound that properties set for pushes of `topic` to `client` of `subject`.
   *
   * @throws Error if the user was not loaded, because the templates of the server may show data that the user's templates hide.
   */
  pushStyle({ client, topic, ...subject }: UserKey & Target): PushStyle {
    if (this.scopesOf(subject) === undefined)
      throw new Error(`The properties of user ${subject.user} of context ${subject.context} are not loaded.`);
    return this.derive(subject, `style ${client} ${topic}`, () => this.pushStyleNow(subject, { client, topic }));
  }

  /** Whether a transport is on for this client and topic of this user; `decide` has the rules. False for a user that was not loaded. */
  isEnabled(transport: TransportName, { client, topic, ...subject }: UserKey & Target): boolean {
    return this.derive(subject, `${transport} ${client} ${topic}`, (cascade) =>
      cascade === undefined ? false : decide(cascade, transport, { client, topic }).isEnabled,
    );
  }

  /** Whether a transport is on for any topic that a pattern of this client matches. False for a user that was not loaded. */
  isEnabledForSome(
    transport: TransportName,
    { client, pattern, ...subject }: UserKey & { readonly client: string; readonly pattern: string },
  ): boolean {
    const cascade = this.scopesOf(subject);
    return cascade !== undefined && isEnabledForSome(cascade, transport, { client, pattern });
  }

  /**
   * A value derived from the properties of `subject`, computed once for all users with the same scopes, until the scopes change.
   * `name` identifies the value, and must contain all inputs of `work` except the scopes.
   */
  derive<Value>(subject: UserKey, name: string, work: (cascade: readonly Scope[] | undefined) => Value): Value {
    const cascade = this.scopesOf(subject);
    if (cascade === undefined) return work(cascade);
    let derived = this.derived.get(cascade);
    if (derived === undefined || derived.size >= maxDerivedValues) {
      derived = new Map();
      this.derived.set(cascade, derived);
    }
    let value = derived.get(name) as Value | undefined;
    if (value === undefined) {
      value = work(cascade);
      derived.set(name, value);
    }
    return value;
  }

  /** The decision of `isEnabled` with all places that were read, in order; undefined for a user that was not loaded. */
  explain(
    transport: TransportName,
    { client, topic, ...subject }: UserKey & Target,
  ): { readonly decision: Decision; readonly places: readonly Place[] } | undefined {
    const cascade = this.scopesOf(subject);
    if (cascade === undefined) return undefined;
    const places: Place[] = [];
    return { decision: decide(cascade, transport, { client, topic }, places), places };
  }

  /** The scopes that apply to `subject`, narrowest first; undefined for a user that was not loaded. */
  scopesOf(subject: UserKey): readonly Scope[] | undefined {
    if (this.subjects === undefined) {
      const { server, sets } = this.common;
      if (sets.length === 0) return server;
      return [...matchingSets(sets, { context: subject.context, contextTags: [], userTags: [] }), ...server];
    }
    return this.subjects.cascadeOf(subject, this.common);
  }

  private pushStyleNow(subject: UserKey, target: Target): PushStyle {
    const templateOf = <Name extends PropertyName>(name: Name) =>
      this.firstOf(name, namesFor(name, target), subject).value;
    const apns = 'com.openexchange.pns.mobile.api.facade.apn';
    const dataFields = templateOf('com.openexchange.pns.template.data');
    const navigate = templateOf('com.openexchange.pns.template.navigate');
    return {
      title: templateOf('com.openexchange.pns.template.title'),
      body: templateOf('com.openexchange.pns.template.body'),
      ...(navigate === '' ? {} : { navigate }),
      ...(dataFields.length > 0 ? { dataFields } : {}),
      hasBadge: this.resolve(`${apns}.badge.enabled`, subject).value,
      ...(this.resolve(`${apns}.sound.enabled`, subject).value
        ? { sound: this.resolve(`${apns}.sound.filename`, subject).value }
        : {}),
    };
  }

  private firstOf<Name extends PropertyName>(
    name: Name,
    names: readonly string[],
    subject?: UserKey,
  ): { readonly value: PropertyValue<Name>; readonly origin: Origin } {
    const { schema, fallback } = properties[name];
    const cascade = (subject === undefined ? undefined : this.scopesOf(subject)) ?? this.common.server;
    const found = resolveText(cascade, names);
    if (found !== undefined) {
      const reading = this.readings.read(found.name, found.text, schema, (reason) => {
        log.error({ event: 'config.value-unreadable', property: found.name, origin: found.origin, reason });
      });
      if ('value' in reading) return { value: reading.value as PropertyValue<Name>, origin: found.origin };
    }
    return { value: fallback as PropertyValue<Name>, origin: { scope: 'default' } };
  }

  private async refreshUntilLatest(store: Pick<ConfigStore, 'common'>): Promise<void> {
    try {
      let seen: number;
      do {
        seen = this.wantedRefreshes;
        this.stored = commonOf(await store.common());
      } while (seen !== this.wantedRefreshes);
    } finally {
      this.refreshing = undefined; // set at once, so that the next call does not get this finished promise
    }
    await this.assemble();
  }

  private async assemble(): Promise<void> {
    const names = new Set(this.stored.sets.map(({ name }) => name));
    const ofFiles = this.files.sets.filter(({ name }) => !names.has(name));
    this.common = {
      server: [...this.stored.server, this.files.server],
      sets: inRankOrder([...this.stored.sets, ...ofFiles]),
    };
    await Promise.all([...this.listeners].map((listener) => listener()));
  }
}

function commonOf({ server, sets }: StoredCommon): Common {
  return {
    server: [{ name: 'server', ...(contentOf(server) ?? { values: new Map<string, string>() }) }],
    sets: sets.map(({ name, rank, withTags, properties: ofSet }) => ({
      name,
      rank,
      withTags: parseTagExpression(withTags),
      values: contentOf(ofSet)?.values ?? new Map<string, string>(),
    })),
  };
}
