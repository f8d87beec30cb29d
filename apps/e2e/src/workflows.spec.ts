import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from './doc-page';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly strategy?: { readonly matrix: { readonly node: readonly number[]; readonly part: readonly string[] } };
        readonly steps: readonly { readonly run?: string }[];
      }
    >
  >;
}

/** The workflow cannot run here, so the test checks the files and scripts that it names. */
const { test: job, guard, valkey } = (parse(read('.github/workflows/ci.yml')) as Workflow).jobs;
const { node: versions = [], part: parts = [] } = job?.strategy?.matrix ?? {};

it('runs the oldest Node that is supported and a newer one', () => {
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
  const [oldest] = versions;
  expect(`>=${oldest}`).toBe(engines.node.split('.')[0]);
  expect(read('.nvmrc').trim()).toBe(String(oldest));
  expect(versions).toContain(24);
});

it('calls a script of this repository, which can be executed', () => {
  expect(job?.steps.map(({ run }) => run)).toContain('.ci/job ${{ matrix.part }}');
  for (const script of ['.ci/job', '.ci/run']) expect(statSync(join(root, script)).mode & 0o111).not.toBe(0);
});

it('runs every project of Jest, and lint and types', () => {
  const projects = [...read('jest.config.ts').matchAll(/displayName: '(\w+)'/g)].map(([, name]) => name);
  expect(parts.map((part) => (part === 'check' ? 'unit' : part)).sort()).toEqual(projects.sort());
  for (const part of parts) expect(read('.ci/job')).toMatch(new RegExp(`^ +.*\\b${part}\\b.*\\)`, 'm'));
});

it('repeats tests with Valkey, and says so where there is none', () => {
  expect(valkey?.steps.map(({ run }) => run)).toContain('.ci/job valkey');
  expect(read('.ci/job')).toMatch(/^ +valkey\) TEST_REDIS=valkey npm test /m);
  expect(read('.ci/run')).toMatch(/check \.ci\/job valkey\nelse\n {2}echo "There is no valkey-server/);
});

it('compares the benchmarks with their floors', () => {
  expect(guard?.steps.map(({ run }) => run)).toContain('.ci/job guard');
  expect(read('.ci/job')).toMatch(/^ +guard\) npm run --silent bench -- --guard /m);
});

it.each(['lint', 'typecheck'])('runs npm run %s in both scripts', (script) => {
  for (const file of ['.ci/job', '.ci/run']) expect(read(file)).toContain(`npm run --silent ${script}`);
});

it('gives the updater every major that must wait, with its reason in docs/dependencies.md', () => {
  const { updates } = parse(read('.github/dependabot.yml')) as {
    updates: readonly { readonly ignore?: readonly { readonly 'dependency-name': string }[] }[];
  };
  const ignored = updates.flatMap(({ ignore = [] }) => ignore.map((each) => each['dependency-name']));
  expect(ignored.length).toBeGreaterThan(0);
  for (const name of ignored) expect(read('docs/dependencies.md')).toContain(`\`${name}\``);
});
