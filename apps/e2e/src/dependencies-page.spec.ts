import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './doc-page';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');

type Versions = Readonly<Record<string, string>>;

const manifest = JSON.parse(read('package.json')) as Readonly<
  Record<'dependencies' | 'devDependencies', Versions> & { overrides?: Versions }
>;
const all = { ...manifest.dependencies, ...manifest.devDependencies };
const page = read('docs/dependencies.md');

/** The rows of the table below a heading, each as its cells. */
function rows(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  const cells = [...section.matchAll(/^\|(.*)\|$/gm)].map(([, row = '']) => row.split('|').map((cell) => cell.trim()));
  return cells.filter(([first]) => first?.startsWith('`'));
}

const packagesIn = (heading: string): string[] => rows(heading).map(([first = '']) => first.replaceAll('`', ''));

/** Packages that other packages name as peers or load; our code does not import them. */
const notImported = ['@bull-board/ui', 'rxjs'];

/** Files that are not in the image, or are used only in tests. */
const testOnly = /spec\.ts$|\/testing\/|^apps\/(?:bench|chaos|e2e|standalone)\/|^libs\/local-servers\//;

/** Packages that the code in the image imports, the sandbox included. */
function imported(): ReadonlySet<string> {
  const files = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', 'apps/**/*.ts', 'libs/**/*.ts'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  const sources = files
    .split('\n')
    .filter((file) => file !== '' && !testOnly.test(file) && existsSync(join(root, file)));
  const names = sources.flatMap((file) =>
    [...read(file).matchAll(/^(?:import|export)\s(?!type\s)[^;]*?from '([^'.][^']*)'|^import '([^'.][^']*)'/gms)].map(
      ([, from = '', bare = from]) => bare,
    ),
  );
  const packages = names.filter((name) => !/^(?:node:|@pns\/)/.test(name));
  return new Set(packages.map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')));
}

it('every production dependency has its line, in alphabetical order', () => {
  expect(packagesIn('Production')).toEqual(Object.keys(manifest.dependencies).sort());
});

it('every version without ^ has its reason, and the page says how it is pinned', () => {
  const pinned = Object.entries(all).filter(([, version]) => !/^(?:\^|npm:.*@\^)/.test(version));
  const described = rows('Pins').map(([name = '', version]) => [name.replaceAll('`', ''), version]);
  expect(described.sort()).toEqual(
    pinned.map(([name, version]) => [name, version.startsWith('~') ? 'minor' : 'exact']).sort(),
  );
});

it('every override has its reason', () => {
  expect(rows('Overrides').map(([name = '', version]) => [name.replaceAll('`', ''), version])).toEqual(
    Object.entries(manifest.overrides ?? {}),
  );
});

it('every file of private parts is named, and exists', () => {
  const named = [...page.matchAll(/`([^`]*private-parts[^`]*)`/g)].map(([, file]) => file);
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*private-parts*'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect([...new Set(named)].sort()).toEqual(files.trim().split('\n').sort());
});

it('the code in the image imports every production dependency and nothing else', () => {
  const expected = Object.keys(manifest.dependencies).filter((name) => !notImported.includes(name));
  expect([...imported()].sort()).toEqual(expected.sort());
});
