import { Argument, type Command, type Option } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** A word that may come next, and its description. */
interface Word {
  readonly name: string;
  readonly description: string;
}

/** A command of the tree, and the words that may follow it. */
interface Place {
  /** The names of the command's parents and of the command, without `pns`, joined by blanks. */
  readonly path: string;
  /** Its subcommands, or the choices of its first argument. */
  readonly words: readonly Word[];
  readonly options: readonly Word[];
  /** The options that take the next word as their value. */
  readonly withValue: readonly string[];
}

/** Adds `pns completion`. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .summary('write the completion of a shell')
    .description('Writes a script that completes the commands and options of pns.')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText('after', '\nExample, in the start file of the shell:\n  source <(pns completion bash)')
    .action((shell: Shell) => void process.stdout.write(completionScript(program, shell)));
}

/** The script that completes the commands and options of `program` in a shell. */
export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program);
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](program.name(), places);
}

function placesOf(command: Command, path = '', inherited: readonly Option[] = []): readonly Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const options = [...help.visibleOptions(command), ...inherited];
  const choices = command.registeredArguments[0]?.argChoices ?? [];
  const place: Place = {
    path,
    words: [
      ...commands.map((each) => ({ name: each.name(), description: help.subcommandDescription(each) })),
      ...choices.map((name) => ({ name, description: '' })),
    ],
    options: options.flatMap(({ long, description }) => (long == null ? [] : [{ name: long, description }])),
    withValue: options.filter(({ required }) => required).flatMap(({ long }) => long ?? []),
  };
  const passedOn = options.filter(({ long }) => long !== '--help');
  return [place, ...commands.flatMap((each) => placesOf(each, `${path} ${each.name()}`.trim(), passedOn))];
}

const names = (words: readonly Word[]): string => words.map(({ name }) => name).join(' ');

/** Patterns of a `case` in a form that both bash and zsh read. */
const patterns = (texts: readonly string[]): string => texts.map((text) => `'${text}'`).join('|');

/** Lines for a loop of bash or zsh over the words before the current one: they set `at` to the path of the command. */
function lookup(places: readonly Place[], word: string): string {
  const withValue = [...new Set(places.flatMap((place) => place.withValue))];
  const paths = places.map(({ path }) => path).filter((path) => path !== '');
  return `    if [[ -n $value ]]; then value=; continue; fi
    case ${word} in ${patterns(withValue)}) value=1; continue ;; esac
    case "\${at:+$at }${word}" in ${patterns(paths)}) at="\${at:+$at }${word}" ;; esac`;
}

function bashScript(program: string, places: readonly Place[]): string {
  const cases = places.map(({ path, words, options }) => {
    return `    '${path}') words='${names(words)}' options='${names(options)}' ;;`;
  });
  return `_${program}() {
  local at= value= words= options= i word=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
${lookup(places, '${COMP_WORDS[i]}')}
  done
  [[ -n $value ]] && return
  case $at in
${cases.join('\n')}
  esac
  [[ $word == -* ]] && words=$options
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _${program} ${program}
`;
}

function zshScript(program: string, places: readonly Place[]): string {
  const described = (words: readonly Word[]) =>
    words.map(({ name, description }) => `'${`${name}:${description}`.replaceAll("'", "'\\''")}'`).join(' ');
  const cases = places.map(({ path, words, options }) => {
    return `    '${path}') choices=(${described(words)}) options=(${described(options)}) ;;`;
  });
  return `#compdef ${program}
_${program}() {
  local at= value= i
  local -a choices options
  for ((i = 2; i < CURRENT; i++)); do
${lookup(places, '${words[i]}')}
  done
  if [[ -n $value ]]; then _files; return; fi
  case $at in
${cases.join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then _describe option options
  elif ((\${#choices})); then _describe command choices
  else _files
  fi
}
compdef _${program} ${program}
`;
}

function fishScript(program: string, places: readonly Place[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const withValue = [...new Set(places.flatMap((place) => place.withValue))];
  const lines = places.flatMap(({ path, words, options, withValue: ofPlace }) => {
    const start = `complete -c ${program} -n ${quoted(`__${program}_at ${quoted(path)}`)}`;
    const first = words.length > 0 ? [`${start} -f`] : [];
    return [
      ...first,
      ...words.map(({ name, description }) => `${start} -a ${quoted(name)} -d ${quoted(description)}`),
      ...options.map(({ name, description }) => {
        return `${start} -l ${name.replace(/^--/, '')}${ofPlace.includes(name) ? ' -r' : ''} -d ${quoted(description)}`;
      }),
    ];
  });
  const paths = places.map(({ path }) => path).filter((path) => path !== '');
  return `function __${program}_at
  set -l at
  set -l value
  for word in (commandline -opc)[2..-1]
    if test -n "$value"
      set value
    else if contains -- $word ${withValue.join(' ')}
      set value 1
    else if contains -- (string join ' ' $at $word) ${paths.map(quoted).join(' ')}
      set -a at $word
    end
  end
  test (string join ' ' $at) = "$argv"
end
${lines.join('\n')}
`;
}
