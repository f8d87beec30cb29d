import type { ConfigStore, StoredCommon } from '@pns/persistence';
import type { PushStyle } from '@pns/payloads';
import { log } from '@pns/runtime';
import type { UserKey } from '@pns/subscriptions';
import type { TransportName } from '@pns/transport-contract';
import { inRankOrder, matchingSets, type ContextSet } from './context-sets';
import type { AggregationMode } from '@pns/notifications';
import { namesFor, properties, type PropertyName, type PropertyValue } from './properties';
import { Readings } from './readings';
import { resolveText, type Origin, type Place, type Scope } from './resolve';
import { contentOf, SubjectCache, type Common, type ConfigChange } from './subject-cache';
import { parseTagExpression } from './tag-expression';
import { decide, isEnabledForSome, type Decision, type Target } from './transport-switch';

/** What the configuration folder says; it lies beneath what is kept in Postgres. */
export interface FileScopes {
  readonly server: Scope;
  readonly sets: readonly ContextSet[];
}

/** What it answers is waited for where that is a promise, which is not to reject. */
type Listener = () => unknown;

/** Conclusions kept for each cascade: producers are free to think of topics. */
const maxConclusions = 1000;

/** Answers what holds for whom, from memory, and says where it came from. */
export class ConfigCascade {
  private readonly listeners = new Set<Listener>();
  private readonly readings = new Readings();
  /** What was concluded from a cascade. A change makes another cascade, and so leaves nothing outdated here. */
  private readonly concluded = new WeakMap<readonly Scope[], Map<string, unknown>>();
  private readonly subjects: SubjectCache | undefined;
  private common: Common = { server: [], sets: [] };
  private stored: Common = { server: [], sets: [] };
  private files: FileScopes = { server: { name: 'server', values: new Map() }, sets: [] };
  private refreshing: Promise<void> | undefined;
  private wantedRefreshes = 0;

  /** Without a store, only the server scope and the context sets of files exist. */
  constructor(
    server: Scope = { name: 'server', values: new Map() },
    private readonly store?: Pick<ConfigStore, 'common' | 'subjects'>,
  ) {
    this.subjects = store === undefined ? undefined : new SubjectCache(store);
    this.replaceServerScope(server);
  }

  /** Takes over new values and tells every listener. */
  replaceServerScope(server: Scope): void {
    this.replaceFiles({ server, sets: [] });
  }

  /** What the files say, as far as it can be used. */
  get fileScopes(): FileScopes {
    return this.files;
  }

  /** Takes over what the files say now and tells every listener. */
  replaceFiles(files: FileScopes): void {
    this.files = files;
    void this.assemble();
  }

  /**
   * Calls `listener` after each change that concerns everybody; the answer stops that. A change holds, for whoever waits
   * for that, once all listeners are done with it.
   */
  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Makes sure that `resolve` and `isEnabled` know these subjects: one query for all that are not known yet, or whose
   * values have changed, and none when there are none. Rejects when Postgres is away.
   */
  async load(subjects: readonly UserKey[]): Promise<void> {
    await this.subjects?.load(subjects);
  }

  /** Whether `load` would have nothing to do. */
  knows(subjects: readonly UserKey[]): boolean {
    return this.subjects === undefined || this.subjects.knows(subjects);
  }

  /** Reads again what concerns everybody. Resolves when what was written before the call holds. */
  refresh(): Promise<void> {
    if (this.store === undefined) return Promise.resolve();
    this.wantedRefreshes++;
    this.refreshing ??= this.refreshUntilLatest(this.store);
    return this.refreshing;
  }

  /** Obeys a change that was written: at once where it concerns everybody, with the next `load` otherwise. */
  async apply(change: ConfigChange): Promise<void> {
    this.subjects?.forget(change);
    if (change.scope === 'server') await this.refresh();
  }

  /** Obeys changes that nobody told of, after a silence. */
  async applyAny(): Promise<void> {
    this.subjects?.forgetAll();
    await this.refresh();
  }

  /** The value that holds for `subject`, or for the server as a whole when there is none, or it was not loaded. */
  resolve<Name extends PropertyName>(
    name: Name,
    subject?: UserKey,
  ): { readonly value: PropertyValue<Name>; readonly origin: Origin } {
    return this.firstOf(name, [name], subject);
  }

  /** How notifications of `topic` to `subject` are joined. */
  aggregationMode(topic: string, subject: UserKey): AggregationMode {
    const name = 'com.openexchange.pns.aggregation';
    return this.firstOf(name, [`${name}.${topic}`, name], subject).value;
  }

  /** How a push of `topic` to `client` of `subject` is to look, as far as properties say. */
  pushStyle({ client, topic, ...subject }: UserKey & Target): PushStyle {
    return this.conclude(subject, `style ${client} ${topic}`, () => this.pushStyleNow(subject, { client, topic }));
  }

  /** Whether a notification may go to this client of this user; `decide` has the rules. A subject not loaded is denied. */
  isEnabled(transport: TransportName, { client, topic, ...subject }: UserKey & Target): boolean {
    return this.conclude(subject, `${transport} ${client} ${topic}`, (cascade) =>
      cascade === undefined ? false : decide(cascade, transport, { client, topic }).isEnabled,
    );
  }

  /** Whether it is on for any topic that a pattern of this client matches. A subject not loaded is denied. */
  isEnabledForSome(
    transport: TransportName,
    { client, pattern, ...subject }: UserKey & { readonly client: string; readonly pattern: string },
  ): boolean {
    const cascade = this.scopesOf(subject);
    return cascade !== undefined && isEnabledForSome(cascade, transport, { client, pattern });
  }

  /**
   * What follows for `subject` from its properties, worked out once for all who share its scopes, until these change. `name` tells
   * one conclusion from another; it has to hold all that `work` depends on beside the scopes.
   */
  conclude<Value>(subject: UserKey, name: string, work: (cascade: readonly Scope[] | undefined) => Value): Value {
    const cascade = this.scopesOf(subject);
    if (cascade === undefined) return work(cascade);
    let concluded = this.concluded.get(cascade);
    if (concluded === undefined || concluded.size >= maxConclusions) {
      concluded = new Map();
      this.concluded.set(cascade, concluded);
    }
    let value = concluded.get(name) as Value | undefined;
    if (value === undefined) {
      value = work(cascade);
      concluded.set(name, value);
    }
    return value;
  }

  /** The same with everything that was looked at, in order; undefined for a subject that was not loaded. */
  explain(
    transport: TransportName,
    { client, topic, ...subject }: UserKey & Target,
  ): { readonly decision: Decision; readonly places: readonly Place[] } | undefined {
    const cascade = this.scopesOf(subject);
    if (cascade === undefined) return undefined;
    const places: Place[] = [];
    return { decision: decide(cascade, transport, { client, topic }, places), places };
  }

  /** The scopes that speak for `subject`, narrowest first; undefined for a subject that was not loaded. */
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
    return {
      title: templateOf('com.openexchange.pns.template.title'),
      body: templateOf('com.openexchange.pns.template.body'),
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
      this.refreshing = undefined; // before anybody can ask again and be given this one, which is over
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
