import { type Figures, figure, type Range, type Result } from './scenario';

/** The results of another run of the same scenarios, whose ratios are a column of the table. */
export interface Column {
  readonly title: string;
  readonly results: readonly Result[];
}

/** A Markdown table, formatted as Prettier does it. */
function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, at) => Math.max(3, title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(titles), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** What is compared with the baselines: PNS, or the programs that show what is possible. */
type MeasuredSide = 'ours' | 'limit';

/** The results as a Markdown table. The range is that of the ratio, or of our figure if there is no baseline. */
export function tableOf(
  results: readonly Result[],
  columns: readonly Column[] = [],
  side: MeasuredSide = 'ours',
): string {
  const rows = results.map((result) => [
    `\`${result.scenario}\``,
    figure(result.ours),
    result.baseline === null ? '' : figure(result.baseline),
    result.unit,
    result.ratio === null ? '' : result.ratio.toFixed(2),
    rangeOf(result),
    result.goals.map(({ goal, isMet }) => `${goal}${isMet ? ' met' : ' not met'}`).join(', '),
    ...columns.map(({ results: others }) => ratioIn(others, result.scenario)),
  ]);
  const titles = ['scenario', side, 'baseline', 'unit', 'ratio', 'range', 'goal'];
  return markdownTable([...titles, ...columns.map(({ title }) => title)], rows);
}

function rangeOf({ ranges: { ours, ratio } }: Result): string {
  if (ratio !== null) return rangeText(ratio, (value) => value.toFixed(2));
  return ours === null ? '' : rangeText(ours, figure);
}

const rangeText = ([least, most]: Range, text: (value: number) => string): string => `${text(least)} to ${text(most)}`;

function ratioIn(results: readonly Result[], scenario: string): string {
  const other = results.find((result) => result.scenario === scenario);
  if (other === undefined) return '';
  return other.ratio === null ? figure(other.ours) : other.ratio.toFixed(2);
}

/** The unit in which costs are measured. */
type CostUnit = 'Microseconds of CPU time' | 'Instructions';

/** The costs of both sides for each item by process, and further figures of the scenarios. */
export function detailsOf(
  results: readonly Result[],
  unit: CostUnit = 'Microseconds of CPU time',
  side: MeasuredSide = 'ours',
): string {
  return [costsOf(results, unit, side), furtherOf(results)].filter((part) => part !== '').join('\n\n');
}

function costsOf(results: readonly Result[], unit: CostUnit, side: MeasuredSide): string {
  const measured = results.filter(({ costs }) => Object.keys(costs.ours).length > 0);
  const rows = measured.map(({ scenario, costs }) => [
    `\`${scenario}\``,
    figuresText(costs.ours),
    figuresText(costs.baseline),
  ]);
  const title = `${unit} for each item, by process:`;
  return rows.length === 0 ? '' : `${title}\n\n${markdownTable(['scenario', side, 'baseline'], rows)}`;
}

function furtherOf(results: readonly Result[]): string {
  const lines = results
    .filter(({ details }) => Object.keys(details).length > 0)
    .map(({ scenario, details }) => `- \`${scenario}\`: ${figuresText(details)}`);
  return lines.length === 0 ? '' : `Further figures:\n\n${lines.join('\n')}`;
}

function figuresText(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${figure(value)}`)
    .join(', ');
}

/** The output of `--json`. */
export function jsonOf(results: readonly Result[]): string {
  return `${JSON.stringify(results, undefined, 2)}\n`;
}
