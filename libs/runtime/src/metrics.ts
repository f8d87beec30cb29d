import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The Prometheus registry of the process. */
export const metrics = new Registry();
collectDefaultMetrics({ register: metrics });

/** The package.json of the project; the relative path is the same from `src` and from `dist`. */
const manifest = join(__dirname, '..', '..', '..', 'package.json');
/** The version of PNS. */
export const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
new Gauge({
  name: 'pns_build_info',
  help: 'Always 1. The labels are the versions of PNS and Node.',
  labelNames: ['version', 'node'],
  registers: [metrics],
}).set({ version, node: process.versions.node }, 1);

/** Every label of a metric with all its possible values. */
type LabelValues = Readonly<Record<string, readonly string[]>>;

interface Declaration<Labels extends LabelValues> {
  readonly name: string;
  readonly help: string;
  readonly labels: Labels;
}

type NameOf<Labels> = keyof Labels & string;

/**
 * A counter that starts at 0 for every combination of its label values. Prometheus' `increase()` ignores the first sample of a
 * series, so without the 0 an alert would miss the first occurrence.
 */
export function declareCounter<Labels extends LabelValues>(declaration: Declaration<Labels>): Counter<NameOf<Labels>> {
  const counter = new Counter({ ...withLabelNames(declaration), registers: [metrics] });
  for (const labels of combinationsOf(declaration.labels)) counter.inc(labels, 0);
  return counter;
}

/** A histogram in seconds. Its counts start at 0, like those of `declareCounter`. */
export function declareHistogram<Labels extends LabelValues>(
  declaration: Declaration<Labels> & { readonly buckets: readonly number[] },
): Histogram<NameOf<Labels>> {
  const buckets = [...declaration.buckets];
  const histogram = new Histogram({ ...withLabelNames(declaration), buckets, registers: [metrics] });
  for (const labels of combinationsOf(declaration.labels)) histogram.zero(labels);
  return histogram;
}

/** The private parts of a histogram; `metrics.spec.ts` tests them. */
interface HistogramParts {
  readonly upperBounds: readonly number[];
  readonly hashMap: Readonly<Record<string, HistogramSeries>>;
}

interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly bucketValues: Record<string, number>;
  sum: number;
  count: number;
}

/**
 * A function that adds finite values to the histogram's series with these labels. `observe` takes ten times as long, because it checks
 * the labels and joins them to a key for each value.
 */
export function observerOf<Name extends string>(
  histogram: Histogram<Name>,
  labels: Readonly<Record<Name, string>>,
): (value: number) => void {
  const { upperBounds, hashMap } = histogram as unknown as HistogramParts;
  const names = Object.keys(labels) as Name[];
  const ofLabels = (): HistogramSeries | undefined =>
    Object.values(hashMap).find((each) => names.every((name) => each.labels[name] === labels[name]));
  if (ofLabels() === undefined) histogram.zero(labels);
  const series = ofLabels();
  if (series === undefined) throw new Error('prom-client keeps the series of a histogram elsewhere.');
  const bounds = upperBounds.map((bound) => [bound, String(bound)] as const);
  return (value) => {
    series.sum += value;
    series.count++;
    for (const [bound, bucket] of bounds) {
      if (value > bound) continue;
      series.bucketValues[bucket] = (series.bucketValues[bucket] ?? 0) + 1;
      return;
    }
  };
}

function withLabelNames<Labels extends LabelValues>({ name, help, labels }: Declaration<Labels>) {
  return { name, help, labelNames: Object.keys(labels) as NameOf<Labels>[] };
}

function combinationsOf<Labels extends LabelValues>(labels: Labels): Record<NameOf<Labels>, string>[] {
  const combinations = Object.entries(labels).reduce<Record<string, string>[]>(
    (some, [name, values]) => some.flatMap((combination) => values.map((value) => ({ ...combination, [name]: value }))),
    [{}],
  );
  return combinations;
}
