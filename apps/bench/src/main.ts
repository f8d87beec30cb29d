import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { profileTo } from './profile';
import { jsonOf, pictureOf, tableOf } from './report';
import { measure, type Result, type Scenario, type Size } from './scenario';
import { scenarios } from './scenarios';
import { startServers } from './servers';

const usage = `npm run bench -- [--only ${scenarios.map(({ name }) => name).join(',')}] [--quick] [--rounds N] [--json FILE] [--picture FILE.svg] [--profile FOLDER]`;

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      json: { type: 'string' },
      picture: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  const wanted = values.only?.split(',');
  const unknown = wanted?.filter((name) => !scenarios.some((scenario) => isMeant(name, scenario))) ?? [];
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(', ')}. ${usage}`);
  const size: Size = values.quick ? 'quick' : 'full';
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (values.profile !== undefined) profileTo(values.profile);
  const stop = await startServers();
  const results: Result[] = [];
  try {
    for (const scenario of scenarios.filter((each) => wanted?.some((name) => isMeant(name, each)) ?? true)) {
      results.push(await measure(scenario, size, Math.min(rounds, scenario.rounds ?? rounds), say));
    }
  } finally {
    await stop();
  }
  say(`\n${tableOf(results)}`);
  if (values.json !== undefined) writeFileSync(values.json, jsonOf(results));
  if (values.picture !== undefined) writeFileSync(values.picture, pictureOf(results));
  if (results.some(({ lost }) => lost > 0)) process.exitCode = 1;
}

/** A group of scenarios is meant by what their names have before the colon. */
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
