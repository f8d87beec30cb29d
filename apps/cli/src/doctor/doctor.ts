import type { Command } from 'commander';
import { apiOf, CommandFailed, isJson, outputOf } from '../cli';
import { doctorEnv, type DoctorEnv } from '../env';
import { notesOf } from './notes';

/** Adds `pns doctor`. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('find what is wrong with an installation')
    .description(
      'Checks the environment, Redis and Postgres if REDIS_URL and DATABASE_URL are set, and the reports of the API. ' +
        'Writes nothing. The exit code is 0 if nothing is wrong.',
    )
    .option('--notes', 'also show what is switched off for the whole server, and the cost')
    .addHelpText('after', '\nExample:\n  docker compose run --rm api pns doctor')
    .action(async function (this: Command) {
      const output = outputOf(this);
      const env = doctorEnv();
      // Loaded here, because other commands must not wait for drivers that they do not use.
      const { findingsOf } = await import('./findings.js');
      const findings = await findingsOf(() => apiOf(this), env);
      const notes = this.opts<{ notes?: true }>().notes === true ? await notesOf(apiOf(this).client, env) : undefined;
      output.show({ findings, ...(notes !== undefined && { notes }) }, () => {
        for (const { where, problem, cure } of findings) {
          output.line(`${output.styled('red', where)}: ${problem}`);
          output.line(`  ${cure}`);
        }
        for (const { where, cost } of notes ?? []) output.line(`${output.styled('yellow', where)}: ${cost}`);
      });
      // Without these sentences, an empty output would mean that the servers that were not checked have no fault.
      if (!isJson(this)) for (const sentence of notLookedAt(env)) process.stderr.write(`${sentence}\n`);
      if (findings.length > 0) throw new CommandFailed();
    });
}

function notLookedAt({ redisUrl, databaseUrl, all }: DoctorEnv): string[] {
  const sentence = (server: string, variable: string): string =>
    `${server} was not checked, because ${variable} is not set here.`;
  return [
    ...(redisUrl === undefined && all['REDIS_URL_FILE'] === undefined ? [sentence('Redis', 'REDIS_URL')] : []),
    ...(databaseUrl === undefined && all['DATABASE_URL_FILE'] === undefined
      ? [sentence('Postgres', 'DATABASE_URL')]
      : []),
  ];
}
