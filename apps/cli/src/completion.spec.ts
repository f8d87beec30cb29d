import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import { completionScript, shells } from './completion';
import { pnsProgram } from './program';

const program = pnsProgram();
const script = completionScript(program, 'bash');

/** The words that bash offers as completions of the last of `words`. */
function completed(...words: string[]): string[] {
  const line = ['pns', ...words].map((word) => `'${word}'`).join(' ');
  const commands = `${script}\nCOMP_WORDS=(${line}) COMP_CWORD=${words.length}\n_pns\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', commands], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

/** `command` and all commands below it, with the names that lead to them. */
function tree(command: Command, path: readonly string[] = []): { command: Command; path: readonly string[] }[] {
  const below = command.commands.flatMap((each) => tree(each, [...path, each.name()]));
  return [{ command, path }, ...below];
}

it.each(tree(program).map(({ command, path }) => [path.join(' '), command, path] as const))(
  'bash completes the commands and options of "pns %s"',
  (_, command, path) => {
    const choices = command.registeredArguments[0]?.argChoices ?? [];
    const commands = command.commands.map((each) => each.name());
    const words = completed(...path, '');
    expect(words).toEqual(expect.arrayContaining([...commands, ...choices]));
    if (commands.length === 0) expect(words).toEqual(choices);
    const options = completed(...path, '--');
    for (const { long } of command.options) expect(options).toContain(long);
    for (const each of ['--url', '--key', '--json', '--help']) expect(options).toContain(each);
  },
);

it.each([
  [['se'], ['send', 'secrets']],
  [['config', 'l'], ['list']],
  [['--json', 'failed', 'r'], ['retry']],
  [['--url', 'config', 'failed', 'd'], ['delete']],
  [['import', 'ox', '--wr'], ['--write']],
  [['import', 'ox', '--write', 'o'], []],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
])('bash completes %j to %j', (words, expected) => {
  expect(completed(...words).sort()).toEqual([...expected].sort());
});

it('the scripts of all shells name each command and option', () => {
  for (const shell of shells) {
    const text = completionScript(program, shell);
    for (const { command, path } of tree(program)) {
      if (path.length > 0) expect(text).toContain(`'${path.join(' ')}`);
      for (const { long } of command.options)
        expect(text).toContain(long?.replace(/^--/, shell === 'fish' ? '-l ' : '--'));
    }
  }
});

const isInstalled = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

it.each(shells.filter(isInstalled))('%s reads its script', (shell) => {
  const { status, stderr } = spawnSync(shell, ['-n'], { input: completionScript(program, shell), encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
