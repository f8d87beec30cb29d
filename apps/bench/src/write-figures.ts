import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchmarks, textOf, withResults } from './benchmarks';
import type { Environment } from './environment';
import { headlineOf, pageWith } from './figures-page';
import { pictureOf } from './results-picture';
import type { Result } from './scenario';

const root = join(__dirname, '..', '..', '..');
const history = join(root, 'docs', 'benchmarks.json');
const page = join(root, 'docs', 'performance.md');
const picture = join(root, 'docs', 'benchmarks.svg');

/** Writes the results to the history of figures, to the page and to its picture. The runs must have lost and repeated nothing. */
export function writeFigures(environment: Environment, results: readonly Result[]): void {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const earlier = benchmarks.parse(JSON.parse(readFileSync(history, 'utf8')));
  const today = new Date().toISOString().slice(0, 10);
  const entries = benchmarks.parse(withResults(earlier, version, environment, results, today));
  writeFileSync(history, textOf(entries));
  writeFileSync(page, pageWith(readFileSync(page, 'utf8'), entries));
  writeFileSync(picture, pictureOf(headlineOf(entries)));
}
