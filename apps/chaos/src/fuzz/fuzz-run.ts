import { corpusOf } from './corpus';
import { batchSize, type Finding, type FuzzPart } from './fuzz-part';
import type { FuzzStack } from './fuzz-stack';
import { batchOf } from './seeded-inputs';

/** The choices for a run. */
interface FuzzOptions {
  readonly seed: number;
  /** The number of generated inputs of all parts together. */
  readonly count: number;
  /** Called with a line about the progress. */
  readonly say: (line: string) => void;
}

/** The number of batches between two notifications that must arrive. */
const batchesPerCanary = 3;

/** A process leaks memory if it grows by more than both limits, in bytes: per 1,000 inputs after the warm-up, and in total. */
const mostGrowthPerThousand = 256 * 1024;
const leastGrowth = 24 * 1024 * 1024;

/** The part of the inputs that fills caches and compiles code before the size of the processes is measured. */
const warmUpShare = 0.3;

export interface FuzzResult {
  readonly findings: readonly Finding[];
  readonly inputs: ReadonlyMap<string, number>;
  /** The time that each part took, in ms. */
  readonly tookMs: ReadonlyMap<string, number>;
  /** The growth of each process since the end of the warm-up, in bytes. */
  readonly growth: ReadonlyMap<string, number>;
}

/** Runs the corpus, and then batches of generated inputs, in which the parts are mixed evenly. */
export async function fuzzRun(
  stack: FuzzStack,
  parts: readonly FuzzPart<unknown>[],
  { seed, count, say }: FuzzOptions,
): Promise<FuzzResult> {
  const findings: Finding[] = [];
  const tried = new Map<string, number>();
  const tookMs = new Map<string, number>();
  const tryAll = async (part: FuzzPart<unknown>, inputs: readonly unknown[], what: string): Promise<void> => {
    const startedAt = performance.now();
    const found = await part.tryAll(inputs);
    tookMs.set(part.name, (tookMs.get(part.name) ?? 0) + performance.now() - startedAt);
    const faults = await stack.faults();
    found.push(...faults.map((fault) => ({ part: part.name, fault, input: inputs })));
    tried.set(part.name, (tried.get(part.name) ?? 0) + inputs.length);
    for (const finding of found) say(`${part.name}, ${what}: ${finding.fault}\n  ${shown(finding.input)}`);
    findings.push(...found);
  };
  for (const part of parts) {
    const inputs = corpusOf(part.name).map(({ input }) => input);
    if (inputs.length > 0) await tryAll(part, inputs, 'corpus');
  }
  const turns = turnsOf(parts, count);
  const measuredAt = Math.floor(turns.length * warmUpShare);
  for (const [index, { part, number, length }] of turns.entries()) {
    if (index === measuredAt) await stack.measureStart();
    await tryAll(part, batchOf(part, seed, number, length), `batch ${number}`);
    if (index % batchesPerCanary === batchesPerCanary - 1 || index === turns.length - 1) {
      const fault = await stack.canaryFault();
      if (fault !== undefined) findings.push({ part: 'canary', fault, input: { seed, part: part.name, number } });
      if (fault !== undefined) say(`After ${part.name}, batch ${number}: ${fault}`);
      say(`${[...tried.values()].reduce((sum, each) => sum + each, 0)} inputs, ${findings.length} findings`);
    }
  }
  const growth = await stack.growth();
  const most = Math.max(leastGrowth, ((count * (1 - warmUpShare)) / 1000) * mostGrowthPerThousand);
  for (const [app, bytes] of growth) {
    if (bytes > most)
      findings.push({
        part: 'memory',
        fault: `${app} grew by ${Math.round(bytes / 2 ** 20)} MiB.`,
        input: { seed, count },
      });
  }
  return { findings, inputs: tried, tookMs, growth };
}

interface TurnOfPart {
  readonly part: FuzzPart<unknown>;
  readonly number: number;
  readonly length: number;
}

/** The batches of all parts, mixed evenly. */
function turnsOf(parts: readonly FuzzPart<unknown>[], count: number): TurnOfPart[] {
  const weights = parts.reduce((sum, { weight }) => sum + weight, 0);
  const turns = parts.flatMap((part) => {
    const own = Math.round((count * part.weight) / weights);
    const batches = Math.ceil(own / batchSize);
    return Array.from({ length: batches }, (_, number) => ({
      ...{ part, number, length: Math.min(batchSize, own - number * batchSize) },
      at: (number + 0.5) / batches,
    }));
  });
  return turns.sort((one, other) => one.at - other.at);
}

function shown(input: unknown): string {
  const text = JSON.stringify(input);
  return text.length > 600 ? `${text.slice(0, 600)}… (${text.length} characters)` : text;
}
