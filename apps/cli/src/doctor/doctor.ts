import type { Command } from 'commander';
import { action } from '../cli';
import { doctorEnv } from '../env';

/** Adds `pns doctor`. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('find what is wrong with an installation')
    .description(
      'Looks at the environment, at Redis and Postgres where REDIS_URL and DATABASE_URL are set, and at what the API knows. ' +
        'Writes nothing and ends with 0 where all is well.',
    )
    .action(
      action(async ({ client, output, url }) => {
        // Loaded here, because other commands must not wait for drivers that they do not use.
        const { findingsOf } = await import('./findings.js');
        const findings = await findingsOf(client, url, doctorEnv());
        output.show({ findings }, () => {
          for (const { where, problem, cure } of findings) {
            output.line(`${output.styled('red', where)}: ${problem}`);
            output.line(`  ${cure}`);
          }
        });
        if (findings.length > 0) process.exitCode = 1;
      }),
    );
}
