import type { Command } from 'commander';
import { pnsProgram } from './program';

/** The commands without subcommands, with their names after `pns`. */
function leaves(command: Command, path = ''): [path: string, command: Command][] {
  if (command.commands.length === 0) return [[path, command]];
  return command.commands.flatMap((each) => leaves(each, `${path} ${each.name()}`.trim()));
}

const commands = leaves(pnsProgram());

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  return help;
}

it('has commands', () => expect(commands.length).toBeGreaterThanOrEqual(17));

it.each(commands)('the help of pns %s has an example', (path, command) => {
  expect(helpOf(command)).toMatch(new RegExp(`^Example[^]*\\n  .*pns ${path}`, 'm'));
});
