import { Command } from 'commander';
import { addCompletion } from './completion';
import { addConfig } from './config';
import { addDoctor } from './doctor/doctor';
import { addExplain } from './explain';
import { addFailed } from './failed';
import { addImport } from './import/import';
import { addSecrets } from './secrets';
import { addSend } from './send';
import { addSubscribe } from './subscribe';
import { addTail } from './tail';
import { addWhere } from './where';

const commands = [
  addSend,
  addSubscribe,
  addTail,
  addWhere,
  addExplain,
  addConfig,
  addFailed,
  addSecrets,
  addDoctor,
  addImport,
  addCompletion,
];

/** The command line with all its commands. */
export function pnsProgram(): Command {
  const program = new Command('pns')
    .description('Command line of PNS, the push notification service. It uses the HTTP API.')
    .option('--url <url>', 'the URL of the API; default: PNS_API_URL, or the API on this machine')
    .option(
      '--key <key>',
      'the API key; better in PNS_API_KEY or PNS_API_KEY_FILE, because other users of the machine see arguments',
    )
    .option('--json', 'write JSON, for programs')
    .showHelpAfterError('Run pns help for the commands.')
    .exitOverride()
    .addHelpText('after', '\nExit codes: 0 done, 1 refused or failed, 2 wrong use.');
  for (const add of commands) add(program);
  return program;
}
