import type { Command } from 'commander';
import { answerOf } from '@pns/client';
import { action, CommandFailed } from './cli';

/** Adds `pns secrets`. */
export function addSecrets(program: Command): void {
  const secrets = program
    .command('secrets')
    .summary('encrypt all secrets with a new key')
    .description('Secrets that are kept encrypted in Postgres.');
  secrets
    .command('rotate')
    .description('Encrypts all secrets with the first key of PNS_ENCRYPTION_KEY, while all apps run.')
    .addHelpText(
      'after',
      '\nBefore that, all apps must have both keys, the new one first. The command may be interrupted and repeated.' +
        '\n\nExample:\n  pns secrets rotate',
    )
    .action(
      action(async ({ client, output }) => {
        let rotated = 0;
        let remaining = 0;
        let cursor: string | undefined;
        const unreadable: string[] = [];
        do {
          const query = cursor === undefined ? {} : { cursor };
          const step = await answerOf(client.POST('/v1/secrets/rotate', { params: { query } }));
          rotated += step.rotated;
          unreadable.push(...step.unreadable);
          ({ remaining = 0, nextCursor: cursor } = step);
          if (process.stderr.isTTY) process.stderr.write(`\r${rotated} encrypted again`);
        } while (cursor !== undefined);
        if (process.stderr.isTTY) process.stderr.write('\n');
        output.show({ rotated, remaining, unreadable }, () => {
          output.line(`${rotated} encrypted again, ${remaining} still need another key.`);
          for (const row of unreadable) output.line(output.styled('red', `${row} cannot be decrypted.`));
        });
        if (remaining > 0) throw new CommandFailed('Not every secret is encrypted with the first key.');
      }),
    );
}
