import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transportNames } from '@pns/transport-contract';
import { root } from './doc-page';

const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8').replace(/```[^]*?```/g, '');

/** The rows of the tables below a heading, each as its cells. */
function rows(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\|(.*)\|$/gm)].map(([, row = '']) => row.split('|').map((cell) => cell.trim()));
}

const codeIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

/** The fields of an exported interface, in their order. */
function fieldsOf(file: string, name: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  const [, body = ''] = new RegExp(`export interface ${name} \\{([^]*?)\\n\\}`).exec(source) ?? [];
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = '']) => field);
}

it('has each package in the row of its layer', () => {
  const files = execFileSync('git', ['ls-files', 'apps/*/package.json', 'libs/*/package.json'], {
    cwd: root,
    encoding: 'utf8',
  });
  const layers = files
    .trim()
    .split('\n')
    .map((file): [string, string] => {
      const { nx } = JSON.parse(readFileSync(join(root, file), 'utf8')) as { nx: { tags: string[] } };
      const [, layer = ''] = /^layer:(.*)$/.exec(nx.tags.find((tag) => tag.startsWith('layer:')) ?? '') ?? [];
      return [file.replace('/package.json', ''), layer];
    });
  const listed = rows('Layers').flatMap(([layer = '', , packages]) =>
    codeIn(packages).map((each): [string, string] => [each, layer]),
  );
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(layers));
});

it.each([
  ['TickJob', 'libs/queue/src/queues.ts'],
  ['DeliveryJob', 'libs/queue/src/queues.ts'],
])('has the fields of %s', (job, file) => {
  const table = rows('Jobs').filter((cells) => cells.length === 4);
  const from = table.findIndex(([name]) => name === `\`${job}\``);
  const next = table.findIndex(([name], index) => index > from && name !== '');
  const fields = table.slice(from, next === -1 ? undefined : next).flatMap(([, , field]) => codeIn(field));
  expect(fields).toEqual(fieldsOf(file, job));
});

it('has the fields of Delivery', () => {
  const fields = rows('Jobs')
    .filter((cells) => cells.length === 2)
    .flatMap(([field]) => codeIn(field));
  const described = fields.filter((field) => field !== 'Delivery');
  expect(described.sort()).toEqual(fieldsOf('libs/transports/contract/src/delivery.ts', 'Delivery').sort());
});

it('names all transports', () => {
  const [, meaning] = rows('Words').find(([word]) => word === 'transport') ?? [];
  expect(codeIn(meaning)).toEqual([...transportNames]);
});

it('names only files and folders that exist', () => {
  const paths = codeIn(page).filter((code) => /^(?:apps|libs|docs|config|deploy)\/[\w./-]+$/.test(code));
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it('README links to every page', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const pages = execFileSync('git', ['ls-files', 'docs/*.md', 'deploy/*.md', '*.md'], { cwd: root, encoding: 'utf8' });
  const listed = pages
    .trim()
    .split('\n')
    .filter((page) => !/^docs\/adr\/|^(?:apps|libs|\.github)\/|^README/.test(page));
  expect(listed.filter((page) => !readme.includes(`](${page})`))).toEqual([]);
});
