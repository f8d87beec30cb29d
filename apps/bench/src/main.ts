import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { LocalServerError } from '@pns/local-servers';
import { countInstructions, isCountingInstructions } from './env';
import { environment, environmentText } from './environment';
import { guard } from './guard';
import { requireValgrind } from './instructions';
import { profileTo } from './profile';
import { detailsOf, jsonOf, tableOf } from './report';
import { pictureOf } from './results-picture';
import { measure, type Result, type Scenario, type Size } from './scenario';
import { scenarios } from './scenarios';
import { startServers, useDurability } from './servers';
import { writeFigures } from './write-figures';

const usage = `npm run bench -- [--only ${scenarios.map(({ name }) => name).join(',')}] [--guard] [--quick] [--rounds N] [--relaxed] [--limits] [--instructions] [--node MAJOR] [--report] [--json FILE] [--picture FILE.svg] [--profile FOLDER]`;

async function run(): Promise<void> {
  setFlagsFromString('--no-memory-reducer'); // the far sides run in this process and must not pause either
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      guard: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      relaxed: { type: 'boolean', default: false },
      limits: { type: 'boolean', default: false },
      instructions: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      json: { type: 'string' },
      picture: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  const others = Object.entries(values).filter(
    ([name, value]) => name !== 'guard' && value !== undefined && value !== false,
  );
  if (values.guard && others.length > 0) {
    throw new Error(`--guard chooses its own scenarios and rounds, so it cannot be combined with --${others[0]?.[0]}.`);
  }
  const wanted = values.only?.split(',');
  const unknown = wanted?.filter((name) => !scenarios.some((scenario) => isMeant(name, scenario))) ?? [];
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(', ')}. ${usage}`);
  const isMeaningful = !values.quick && !values.instructions && !values.limits;
  if (values.report && !isMeaningful) {
    throw new Error('--report needs full rounds without --quick, --instructions and --limits.');
  }
  if (values.limits && (values.json ?? values.picture) !== undefined) {
    throw new Error('--limits cannot be combined with --json and --picture, whose figures are those of PNS.');
  }
  const chosen = (values.limits ? scenarios.flatMap(limitOf) : scenarios).filter(
    (each) => wanted?.some((name) => isMeant(name, each)) ?? true,
  );
  if (chosen.length === 0) throw new Error('None of these scenarios has a limit.');
  const size: Size = values.quick ? 'quick' : 'full';
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (values.profile !== undefined) profileTo(values.profile);
  if (values.relaxed) useDurability('everysec');
  if (values.instructions) {
    requireValgrind();
    countInstructions();
  }
  const stop = await startServers();
  const results: Result[] = [];
  try {
    const where = await environment();
    say(environmentText(where));
    if (values.guard) return printFaults(await guard(scenarios, say));
    for (const scenario of chosen) {
      const result = await measuredOrSkipped(scenario, size, Math.min(rounds, scenario.rounds ?? rounds));
      if (result === undefined) continue;
      results.push(result);
      // The figures are written at once, so that an error in a later scenario does not lose the results of hours.
      if (values.report && isExact(result)) writeFigures(where, [result]);
    }
    print(results, values.limits ? 'limit' : 'ours');
    if (values.json !== undefined) writeFileSync(values.json, jsonOf(results));
    if (values.picture !== undefined) writeFileSync(values.picture, pictureOf(results));
  } finally {
    await stop();
  }
}

/** The result of a scenario; undefined if it is optional and a server for it cannot be started here. */
async function measuredOrSkipped(scenario: Scenario, size: Size, rounds: number): Promise<Result | undefined> {
  try {
    return await measure(scenario, size, rounds, say);
  } catch (error) {
    if (scenario.isOptional !== true || !(error instanceof LocalServerError)) throw error;
    say(`${scenario.name} is left out: ${error.message}`);
    return undefined;
  }
}

/** Prints the results. The exit code is 1 if a notification was lost or repeated. */
function print(results: readonly Result[], side: 'ours' | 'limit'): void {
  const unit = isCountingInstructions() ? 'Instructions' : 'Microseconds of CPU time';
  say(`\n${tableOf(results, [], side)}\n\n${detailsOf(results, unit, side)}\n`);
  const inexact = results.filter((result) => !isExact(result));
  for (const { scenario, lost, duplicated } of inexact) say(`${scenario}: ${lost} lost, ${duplicated} repeated`);
  if (inexact.length > 0) process.exitCode = 1;
  else say('Nothing was lost or repeated.');
}

/** Prints the faults that the guard found. The exit code is 1 if there is a fault. */
function printFaults(faults: readonly string[]): void {
  if (faults.length > 0) process.exitCode = 1;
  say(faults.length > 0 ? `\n${faults.join('\n')}` : '\nNo ratio is below its floor.');
}

/** The scenario with its limit instead of our side; nothing if it has no limit. */
function limitOf({ limit, ...scenario }: Scenario): Scenario[] {
  return limit === undefined ? [] : [{ ...scenario, ours: limit }];
}

/** Whether each accepted notification arrived once. */
function isExact({ lost, duplicated }: Result): boolean {
  return lost === 0 && duplicated === 0;
}

/** Whether `wanted` is the name of the scenario, or the name of its group, which is the part before the colon. */
function isMeant(wanted: string, { name }: Scenario): boolean {
  return name === wanted || name.startsWith(`${wanted}:`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
