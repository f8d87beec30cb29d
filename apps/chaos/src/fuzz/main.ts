// `npm run test:fuzz`: sends hostile input to the built apps, which run with a separate Redis and database, and to the parsers. The
// exit code is 1 if an input broke a rule.
import { parseArgs } from 'node:util';
import { provideDatabase, type AppName } from '@pns/e2e';
import { startTemporaryServers } from '@pns/local-servers';
import { ApiPart } from './api-part';
import { writeFindings } from './corpus';
import type { FuzzPart } from './fuzz-part';
import { fuzzRun, type FuzzResult } from './fuzz-run';
import { fewApps, FuzzStack } from './fuzz-stack';
import { JobPart } from './job-part';
import { description } from './openapi-routes';
import { ParserPart } from './parser-part';
import { RawHttpPart } from './raw-http-part';
import { SocketPart } from './socket-part';

const usage = `npm run test:fuzz -- [--seed N] [--count INPUTS] [--part ${['api', 'raw-http', 'sockets', 'jobs', 'parsers'].join('|')}] [--short] [--findings FOLDER]`;

/** The apps of a long run, with the workers of all transports. */
const allApps: readonly AppName[] = [...fewApps, 'worker-apns', 'worker-fcm', 'worker-wns', 'worker-webpush'];

const counts = { long: 100_000, short: 4000 } as const;

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      count: { type: 'string' },
      part: { type: 'string', multiple: true },
      short: { type: 'boolean', default: false },
      findings: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  const [seed, count] = [values.seed, values.count ?? counts[values.short ? 'short' : 'long']].map(Number) as [
    number,
    number,
  ];
  if (![seed, count].every((each) => Number.isSafeInteger(each) && each >= 0)) throw new Error(usage);
  say(`Seed ${seed}, ${count} inputs. To repeat: --seed ${seed} --count ${count}${values.short ? ' --short' : ''}`);
  const startedAt = performance.now();
  const servers = process.env['DATABASE_URL']
    ? undefined
    : await startTemporaryServers({ postgres: true, redis: false });
  if (servers?.postgres !== undefined) provideDatabase(servers.postgres.url);
  const stack = await FuzzStack.start(values.short ? fewApps : allApps, { isMeasured: true });
  try {
    report('The apps are ready.');
    const api = new ApiPart(stack, description());
    const all: FuzzPart<unknown>[] = [
      api,
      new RawHttpPart(stack),
      new SocketPart(stack),
      new JobPart(stack),
      new ParserPart(),
    ];
    const parts = all.filter(({ name }) => values.part?.includes(name) !== false);
    if (parts.length === 0) throw new Error(usage);
    const result = await fuzzRun(stack, parts, { seed, count, say: report });
    api.close();
    if (values.findings !== undefined) writeFindings(values.findings, result.findings);
    conclude(result, (performance.now() - startedAt) / 1000);
  } finally {
    await stack.stop();
    await servers?.stop();
  }
}

function conclude({ findings, inputs, tookMs, growth }: FuzzResult, seconds: number): void {
  say('\n| part | inputs | seconds | findings |');
  say('| --- | ---: | ---: | ---: |');
  for (const [part, count] of inputs) {
    const took = Math.round((tookMs.get(part) ?? 0) / 1000);
    say(`| ${part} | ${count} | ${took} | ${findings.filter((each) => each.part === part).length} |`);
  }
  say(
    `\nGrowth after the warm-up: ${[...growth].map(([app, bytes]) => `${app} ${(bytes / 2 ** 20).toFixed(1)} MiB`).join(', ')}.`,
  );
  say(`${findings.length} findings in ${Math.round(seconds)} s.`);
  if (findings.length > 0) process.exitCode = 1;
}

const begunAt = Date.now();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints a line with the seconds since this program began. */
function report(line: string): void {
  say(`${((Date.now() - begunAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
