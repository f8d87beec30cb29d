// `npm run test:chaos`: runs the built apps with separate servers under a steady load, while the faults of a plan happen. It
// counts lost and repeated deliveries at the receivers.
import { parseArgs } from 'node:util';
import { measureDurability } from './durability';
import { faultLine, isGood, reportOf } from './report';
import { buildOf } from './earlier-build';
import { plans, type FaultKind } from './plans';
import { run, type RunResult } from './run';
import { shrink } from './shrink';
import { SmallDisk } from './small-disk';

const usage = `npm run test:chaos -- [--plan ${Object.keys(plans).join('|')}] [--seed N] [--count NOTIFICATIONS] [--rate PER_SECOND] [--faults NUMBER] [--from COMMIT] [--shrink RUNS] [--logs FOLDER] | --durability`;
const users = 50;
const processes = 2;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      plan: { type: 'string', default: 'mixed' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      count: { type: 'string', default: '6000' },
      rate: { type: 'string', default: '50' },
      faults: { type: 'string' },
      from: { type: 'string' },
      shrink: { type: 'string', default: '0' },
      logs: { type: 'string' },
      durability: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  if (values.durability) return measureDurability(say);
  const plan = plans[values.plan];
  if (plan === undefined) throw new Error(`There is no plan ${values.plan}. ${usage}`);
  if (values.faults !== undefined && values.plan !== 'mixed')
    throw new Error('Only mixed plans have a number of faults.');
  const numbers = [values.seed, values.count, values.rate, values.shrink, values.faults ?? '1'].map(Number);
  if (!numbers.every((each) => Number.isSafeInteger(each) && each >= 0)) throw new Error(usage);
  const [seed, count, perSecond, mostRuns] = numbers as [number, number, number, number];
  const without = kindsThatCannotHappen();
  const mixedFaults = values.faults === undefined ? undefined : Number(values.faults);
  const faults = plan({ seed, loadMs: (count / perSecond) * 1000, mixedFaults, without });
  say(`Plan ${values.plan}, seed ${seed}: ${count} notifications, ${perSecond} a second, ${faults.length} faults.`);
  for (const fault of faults) say(`  ${faultLine(fault)}`);
  const appsBefore = values.from === undefined ? undefined : buildOf(values.from, report);
  const runWith = async (some: typeof faults): Promise<RunResult> => {
    const result = await run({ ...common, faults: some });
    for (const line of reportOf(result, some)) say(line);
    return result;
  };
  const common = { count, perSecond, users, processes, logs: values.logs, appsBefore, say: report };
  try {
    if (isGood(await runWith(faults))) return;
    process.exitCode = 1;
    if (mostRuns === 0) return;
    const left = await shrink(faults, mostRuns, async (some) => !isGood(await runWith(some)));
    say('The smallest plan with this result:');
    for (const fault of left) say(`  ${faultLine(fault)}`);
  } finally {
    appsBefore?.remove();
  }
}

function kindsThatCannotHappen(): FaultKind[] {
  const disk = SmallDisk.mount();
  disk?.unmount();
  if (disk !== undefined) return [];
  say('No file system can be mounted here, so the disk of Redis is never full.');
  return ['disk-full'];
}

const begunAt = Date.now();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints a line with the seconds since this program began. */
function report(line: string): void {
  say(`${((Date.now() - begunAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}

/** How long connections or timers may keep the process alive after the run, in ms. After this time, the program fails. */
const closesWithinMs = 60_000;

main()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  })
  .finally(() =>
    setTimeout(() => {
      process.stderr.write(
        `The run has ended, and these are still open: ${process.getActiveResourcesInfo().join(', ')}\n`,
      );
      process.exit(1);
    }, closesWithinMs).unref(),
  );
