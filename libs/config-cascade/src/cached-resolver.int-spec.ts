import type { PropertyPlace } from '@pns/persistence';
import * as fc from 'fast-check';
import type { UserKey } from '@pns/subscriptions';
import { cascadeOf, inRankOrder, matchingSets } from './context-sets';
import { contentOf } from './subject-cache';
import { parseTagExpression } from './tag-expression';
import { changeOf, openSite, type Site, type SiteProcess } from './testing/site';
import { decide, type Decision } from './transport-switch';

const base = 'com.openexchange.pns.transport.websocket.enabled';
const mail = { client: 'ui', topic: 'ox:mail:new' };
const contexts = [1, 2];
const users = contexts.flatMap((context) => [1, 2].map((user) => ({ context, user })));

let site: Site;

beforeAll(async () => {
  site = await openSite();
});

afterAll(() => site.close());

const context = fc.constantFrom(...contexts);
const user = fc.constantFrom(...users);
const set = fc.constantFrom('gold', 'silver', 'tin');
const tags = fc.subarray(['vip', 'trial']);
const place = fc.oneof(
  fc.constant<PropertyPlace>({ scope: 'server' }),
  set.map((of): PropertyPlace => ({ scope: 'contextSet', set: of })),
  context.map((of): PropertyPlace => ({ scope: 'context', context: of })),
  user.map((of): PropertyPlace => ({ scope: 'user', ...of })),
);
const name = fc.constantFrom(base, `${base}.ui`, `${base}.ox:mail:new`, `${base}.ui.ox:mail:new`);
const final = fc.option(fc.constantFrom('server' as const, 'context' as const, 'user' as const), { nil: undefined });
const withTags = fc.constantFrom('vip & !trial', 'trial', '!vip', '1', '!2 & vip', 'acme-2', '!acme-1 | trial');

/** Makes one of the API's writes in a process. */
type Write = (of: SiteProcess) => Promise<unknown>;

const putting =
  (at: PropertyPlace, property: Parameters<SiteProcess['store']['put']>[1]): Write =>
  ({ store, changes }) =>
    changes.make(changeOf(at), () => store.put(at, property));

const puttingSet =
  (wanted: Parameters<SiteProcess['store']['putContextSet']>[0]): Write =>
  ({ store, changes }) =>
    changes.make({ scope: 'server' }, () => store.putContextSet(wanted));

/** A write for each scope, the widest first, so that each write overrules the earlier writes for some user. */
const fromWide: readonly Write[] = [
  puttingSet({ name: 'gold', rank: 1, withTags: '!vip' }),
  putting({ scope: 'server' }, { name: base, value: 'true' }),
  putting({ scope: 'contextSet', set: 'gold' }, { name: base, value: 'false' }),
  putting({ scope: 'context', context: 1 }, { name: base, value: 'true' }),
  putting({ scope: 'user', context: 1, user: 1 }, { name: base, value: 'false' }),
];

/** Any write that the API can make. */
const write: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({ place, name, value: fc.boolean(), final })
      .map(({ place: at, name: of, value, final: narrowest }) => {
        const finality = narrowest === undefined || at.scope === 'contextSet' ? {} : { final: narrowest };
        return putting(at, { name: of, value: String(value), ...finality });
      }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ place, name }).map(
      ({ place: at, name: of }) =>
        ({ store, changes }: SiteProcess) =>
          changes.make(changeOf(at), () => store.remove(at, of)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({ name: set, rank: fc.integer({ min: 0, max: 2 }), withTags }).map(puttingSet),
  },
  {
    weight: 1,
    arbitrary: set.map(
      (of) =>
        ({ store, changes }: SiteProcess) =>
          changes.make({ scope: 'server' }, () => store.removeContextSet(of)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ context, tags, isNamed: fc.boolean() })
      .map(({ context: of, tags: carried, isNamed }) => ({ directory, changes }: SiteProcess) => {
        const known = { context: of, tags: carried, ...(isNamed ? { name: `acme-${of}` } : {}) };
        return changes.make({ scope: 'context', context: of }, () => directory.putContext(known));
      }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ user, tags }).map(
      ({ user: of, tags: carried }) =>
        ({ directory, changes }: SiteProcess) =>
          changes.make({ scope: 'user', ...of }, () => directory.put({ ...of, logins: [], tags: carried })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      user.map(
        (of) =>
          ({ rows, changes }: SiteProcess) =>
            changes.make({ scope: 'user', ...of }, () => erased(rows, of)),
      ),
      context.map(
        (of) =>
          ({ rows, changes }: SiteProcess) =>
            changes.make({ scope: 'context', context: of, withUsers: true }, () => erased(rows, { context: of })),
      ),
    ),
  },
);

async function erased(rows: SiteProcess['rows'], owner: Parameters<typeof rows.erase>[0]): Promise<void> {
  while ((await rows.erase(owner, 1000)) > 0);
}

/** Waits for a write. Ignores its failure if the context set does not exist. */
async function made(written: Promise<unknown>): Promise<void> {
  await written.catch((error: { code?: string }) => {
    if (error.code !== 'CONTEXT_SET_NOT_FOUND') throw error;
  });
}

/** The decision of the pure function `decide` for the content of the tables. */
async function expected({ store, directory }: SiteProcess, subject: UserKey): Promise<Decision> {
  const { server, sets } = await store.common();
  const ofContext = await directory.context(subject.context);
  const tagged = {
    context: subject.context,
    contextName: ofContext?.name,
    contextTags: ofContext?.tags ?? [],
    userTags: (await directory.get(subject))?.tags ?? [],
  };
  const all = sets.map(({ withTags: expression, properties, ...rest }) => ({
    ...rest,
    withTags: parseTagExpression(expression),
    values: contentOf(properties)?.values ?? new Map<string, string>(),
  }));
  const scopes = cascadeOf({
    user: contentOf(await store.properties({ scope: 'user', ...subject })),
    context: contentOf(await store.properties({ scope: 'context', context: subject.context })),
    sets: matchingSets(inRankOrder(all), tagged),
    server: [{ name: 'server', values: new Map(), ...contentOf(server) }],
  });
  return decide(scopes, 'websocket', mail);
}

it('resolves from the cache to the same values as the pure function from the tables, after any writes', async () => {
  const process = await site.start();
  await site.hearing(1);
  const { cascade } = process;
  const deciders = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 4, maxLength: 16 }), async (writes) => {
      for (const writeTo of writes) {
        await Promise.all([made(writeTo(process)), cascade.load(users)]);
        await cascade.load(users);
        for (const subject of users) {
          const decision = cascade.explain('websocket', { ...subject, ...mail })?.decision;
          expect(decision).toEqual(await expected(process, subject));
          deciders.add(decision?.origin.scope ?? '');
        }
      }
    }),
    { numRuns: 25, examples: [[[...fromWide]]] },
  );
  expect([...deciders].sort()).toEqual(['context', 'contextSet', 'default', 'server', 'user']);
});
