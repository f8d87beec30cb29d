import { ConfigCascade } from '@pns/config-cascade';
import { freshDatabase } from '@pns/local-servers';
import { ConfigStore, migrate } from '@pns/persistence';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { median, type Measured, type Scenario, type Size } from '../scenario';

const contexts = 100_000;
const contextSets = 1000;
const batchSize = 500;
const batches = 20;

/** The numbers of user values that are compared. */
const [many, few] = [1_000_000, 10_000];

const base = 'com.openexchange.pns.transport.gcm.enabled';
const client = 'mail.app';
const topic = 'ox:mail:new';

interface Subject {
  readonly context: number;
  readonly user: number;
}

/** Runs `work` with a function that opens a cascade over a new, filled database. Removes the database afterwards. */
async function withCascade(
  userValues: number,
  work: (open: () => Promise<ConfigCascade>) => Promise<Measured>,
): Promise<Measured> {
  const fresh = await freshDatabase();
  await migrate(fresh.url);
  await fill(fresh.url, userValues);
  const database = await new DataSource({ type: 'postgres', url: fresh.url, poolSize: 4 }).initialize();
  try {
    return await work(async () => {
      const cascade = new ConfigCascade(undefined, new ConfigStore(database));
      await cascade.refresh();
      return cascade;
    });
  } finally {
    await database.destroy();
    await fresh.drop();
  }
}

/** Each context gets a tag, which two of the context sets match, and a value; users get values in every tenth context. */
async function fill(url: string, userValues: number): Promise<void> {
  const postgres = new Client({ connectionString: url });
  await postgres.connect();
  const statements = [
    `INSERT INTO contexts (context_id, name, tags)
     SELECT n, 'context-' || n, ARRAY['tag-' || n % ${contextSets / 2}] FROM generate_series(1, ${contexts}) n`,
    `INSERT INTO context_sets (name, rank, with_tags)
     SELECT 'set-' || n, n, 'tag-' || n % ${contextSets / 2} || ' & !internal' FROM generate_series(1, ${contextSets}) n`,
    `INSERT INTO context_set_properties (context_set, name, value)
     SELECT 'set-' || n, '${base}.${client}', 'true' FROM generate_series(1, ${contextSets}) n`,
    `INSERT INTO context_properties (context_id, name, value)
     SELECT n, 'com.openexchange.pns.delayDuration', '500' FROM generate_series(1, ${contexts}) n`,
    `INSERT INTO user_properties (context_id, user_id, name, value)
     SELECT 1 + 10 * (n % ${contexts / 10}), 1 + n / ${contexts / 10}, '${base}.${client}.${topic}', 'false'
     FROM generate_series(0, ${userValues - 1}) n`,
    'ANALYZE',
  ];
  for (const statement of statements) await postgres.query(statement);
  await postgres.end();
}

/** Users of all contexts in turn. One in ten has a value in the user scope. */
function batch(number: number): Subject[] {
  return Array.from({ length: batchSize }, (_, index) => {
    const n = number * batchSize + index;
    return { context: 1 + ((n * 7) % contexts), user: 1 + (n % 100) };
  });
}

/** The time to load 500 users that no cache contains, and to decide for each of them, in ms. */
const cold = (userValues: number) => () =>
  withCascade(userValues, async (open) => {
    const cascade = await open();
    const durations: number[] = [];
    for (let number = 0; number <= batches; number++) {
      const subjects = batch(number);
      const startedAt = performance.now();
      await cascade.load(subjects);
      for (const subject of subjects) cascade.isEnabled('fcm', { ...subject, client, topic });
      durations.push(performance.now() - startedAt);
    }
    return { value: median(durations.slice(1)), lost: 0, duplicated: 0 }; // the first duration is left out, because it includes compilation
  });

/** Decisions a second for users whose values are loaded. */
const warm = (userValues: number) => (size: Size) =>
  withCascade(userValues, async (open) => {
    const cascade = await open();
    const subjects = Array.from({ length: batches }, (_, number) => batch(number)).flat();
    await cascade.load(subjects);
    const decisions = size === 'full' ? 5_000_000 : 500_000;
    let enabled = 0;
    const decide = (count: number): void => {
      for (let n = 0; n < count; n++) {
        const subject = subjects[n % subjects.length] as Subject;
        if (cascade.isEnabled('fcm', { context: subject.context, user: subject.user, client, topic })) enabled++;
      }
    };
    decide(decisions / 10);
    const startedAt = performance.now();
    decide(decisions);
    const seconds = (performance.now() - startedAt) / 1000;
    if (enabled === 0) throw new Error('No decision allowed anything; the cascade was not loaded.');
    return { value: decisions / seconds, lost: 0, duplicated: 0 };
  });

/** The cascade with a million values of users, compared with ten thousand: the number must not matter. */
export const resolver: readonly Scenario[] = [
  { name: 'resolver-warm', unit: 'decisions/s', ours: warm(many), baseline: warm(few) },
  { name: 'resolver-cold', unit: 'ms per 500 users', ours: cold(many), baseline: cold(few) },
];
