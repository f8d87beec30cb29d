import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { properties } from '@pns/config-cascade';

const root = join(__dirname, '..', '..', '..');
const page = readFileSync(join(root, 'docs', 'limits.md'), 'utf8');

/** A row of one of the page's tables: the bound, its figure, and the source of the figure. */
interface Row {
  readonly bound: string;
  readonly value: string;
  readonly source: string;
}

const rows: readonly Row[] = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| bound'))
  .map((line) => {
    const [, bound = '', value = '', source = ''] = line.split('|').map((cell) => cell.trim());
    return { bound, value, source };
  });

/** The size of each unit of the page, in units of the code: bytes, ms or pieces. */
const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  days: 86_400_000,
  '%': 0.01,
};

/** The figure of a cell such as `64 KiB`, `1,000` or `10 s`. */
function figureOf(cell: string): number {
  const [, digits = '', unit = ''] = /^([\d.,]+)(?: ?([A-Za-z%]+))?$/.exec(cell) ?? [];
  return Number(digits.replaceAll(',', '')) * (units[unit] ?? NaN);
}

/** The value of a numeric constant in a source file, which may be a product or a power of numbers. */
function constantIn(source: string, name: string): number {
  const [, expression = ''] = new RegExp(`\\b${name}\\b(?:: number)? ?[=:] ?([\\d_.* ]+)[;,]`).exec(source) ?? [];
  const factors = expression.replace(/[_\s]/g, '').replaceAll('**', '^').split('*');
  const values = factors.map((factor) => factor.split('^').map(Number));
  return expression === '' ? NaN : values.reduce((product, [base = NaN, power = 1]) => product * base ** power, 1);
}

/** A constant's value in the page's unit: a constant whose name ends with Seconds is converted to ms. */
function inPageUnit(name: string, value: number): number {
  return name.endsWith('Seconds') ? value * 1000 : value;
}

/** The property or the constant with its file that a source names, as in `[`maxThings`](../libs/things/src/things.ts)`. */
function nameOf(source: string): string {
  const [, name = '', target = ''] = /^\[`([\w.]+)`\]\(([^)]+)\)$/.exec(source) ?? [];
  return target.startsWith('../') ? `${name} in ${target.slice('../'.length)}` : name;
}

/** The code's figure for a row of the page. */
function figureInCode(source: string): number {
  const [name = '', file] = nameOf(source).split(' in ');
  if (file === undefined) return Number(properties[name as keyof typeof properties]?.fallback);
  return inPageUnit(name, constantIn(readFileSync(join(root, file), 'utf8'), name));
}

it.each(rows)('$bound: $value, as in the code', ({ value, source }) => {
  expect(figureOf(value)).toBeCloseTo(figureInCode(source), 6);
});

it('leaves out no bound of the code', () => {
  const listed = new Set(rows.map(({ source }) => nameOf(source)));
  const constants = sourceFiles().flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/^(?:export )?const (max[A-Z]\w*)(?:: number)? = \d/gm)].map(
      ([, name = '']) => `${name} in ${file}`,
    ),
  );
  const ofProperties = Object.keys(properties).filter((name) => /\.max(?:[A-Z]\w*)?$/.test(name));
  expect(constants.length).toBeGreaterThan(20);
  expect([...constants, ...ofProperties].filter((name) => !listed.has(name))).toEqual([]);
});

/** The source files whose code runs in production. */
function sourceFiles(): string[] {
  const notInProduction = /node_modules|\/dist\/|spec\.ts$|\/testing\/|\/(bench|e2e|sandbox|local-servers)\//;
  return ['apps', 'libs']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    )
    .filter((file) => file.endsWith('.ts') && !notInProduction.test(`/${file}`));
}
