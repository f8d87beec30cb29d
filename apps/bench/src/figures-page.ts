import { majorOf, type Benchmarks, type Run } from './benchmarks';
import { environmentText } from './environment';
import { detailsOf, tableOf } from './report';

/** The major version of Node in our images. The page shows its figures first. */
export const nodeOfImages = 24;

const [begin, end] = [
  '<!-- `npm run bench -- --report` writes this part from benchmarks.json. -->',
  '<!-- The end of the written part. -->',
];

/** Returns the page with the figures of the newest version in its generated part. */
export function pageWith(page: string, entries: Benchmarks): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The page has no part between "${begin}" and "${end}".`);
  return `${page.slice(0, from)}${begin}\n\n${figuresOf(entries)}\n\n${page.slice(to)}`;
}

/** The results that the page shows first; empty if there are none. */
export function headlineOf([newest]: Benchmarks): Run['results'] {
  return newest === undefined ? [] : (runsWith('always', newest)[0]?.results ?? []);
}

function runsWith(durability: Run['durability'], { runs }: Benchmarks[number]): Run[] {
  return runs.filter((run) => run.durability === durability).sort((a, b) => rank(a) - rank(b));
}

function figuresOf([newest]: Benchmarks): string {
  if (newest === undefined) return 'No figures have been measured yet.';
  const [durable, relaxed] = [runsWith('always', newest), runsWith('everysec', newest)];
  return [
    `### Durable settings, version ${newest.version}\n\nEach write of Redis is on disk before its answer.`,
    ...sectionOf(durable),
    ...(relaxed.length === 0
      ? []
      : [
          '### Relaxed settings\n\nRedis writes to disk once a second (`everysec`): a power failure can lose notifications of the last two seconds.',
          ...sectionOf(relaxed),
        ]),
  ].join('\n\n');
}

/** Sorts the runs: the Node of the images comes first, then newer versions before older ones. */
const rank = ({ node }: Run): number => (majorOf(node) === nodeOfImages ? -Infinity : -majorOf(node));

function sectionOf([headline, ...others]: readonly Run[]): string[] {
  if (headline === undefined) return ['Not measured yet.'];
  const { results } = headline;
  const dates = [...new Set(results.map(({ date }) => date))].sort();
  const rounds = Math.max(...results.map((result) => result.rounds));
  const columns = others.map((run) => ({ title: `Node ${majorOf(run.node)}`, results: run.results }));
  return [
    `${environmentText(headline)}. Measured on ${dates.join(' and ')}. Medians of up to ${rounds} rounds. Nothing was lost or repeated.`,
    ...(columns.length === 0 ? [] : ['The last columns are the ratios, or our figures, with other versions of Node.']),
    tableOf(results, columns),
    detailsOf(results),
  ].filter((part) => part !== '');
}
