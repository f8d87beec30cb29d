import type { Command } from 'commander';
import { CommandFailed, offlineAction } from '../cli';
import { oneLine, type Output } from '../output';
import type { ImportedFolder } from './imported-folder';
import { needsDecision, standings, standingTitles, summaryOf, type ReportLine, type Standing } from './report';

interface ImportOptions {
  readonly write?: string;
  readonly brief?: boolean;
}

/** Adds `pns import`. */
export function addImport(program: Command): void {
  program
    .command('import')
    .summary('take over the configuration of another push service')
    .description('Configuration of other push services.')
    .command('ox <dir>')
    .summary('take over the configuration of the Open-Xchange push notification service')
    .description(
      'Reads a configuration folder of the Open-Xchange push notification service and reports each entry: what is taken, ' +
        'what has another name in PNS, what PNS does not need, and what is wrong. Changes nothing without --write. Needs no API.',
    )
    .option('--write <dir>', 'write the configuration of PNS into this folder, which must not exist or be empty')
    .option('--brief', 'leave out the entries that PNS does not need')
    .addHelpText(
      'after',
      '\nThe exit code is 1 if an entry needs a decision. Values are not shown, because they may be secrets.' +
        '\n\nExample:\n  pns import ox /opt/open-xchange/etc --write pns-config',
    )
    .action(
      offlineAction<ImportOptions>(async ({ output }, { write, brief = false }, dir = '') => {
        // Loaded here, because other commands must not wait for the transports.
        const { importedFolder } = await import('./imported-folder.js');
        const imported = importedFolder(dir);
        if (write !== undefined) {
          const { writeFolder } = await import('./written-folder.js');
          writeFolder(write, imported.files);
        }
        const lines = brief ? imported.lines.filter(({ standing }) => standing !== 'not-needed') : imported.lines;
        const summary = summaryOf(imported.lines);
        const answer = { lines, summary, files: [...imported.files.keys()], isWritten: write !== undefined };
        output.show(answer, () => showReport(output, imported, lines, write));
        if (needsDecision(imported.lines)) throw new CommandFailed();
      }),
    );
}

function showReport(
  output: Output,
  { lines: all, files }: ImportedFolder,
  lines: readonly ReportLine[],
  write?: string,
): void {
  for (const { file, line, entry, standing, reason } of lines) {
    const where = line === undefined ? file : `${file}:${line}`;
    const what = [entry, reason].filter((part) => part !== undefined).join(' ');
    output.line(`${oneLine(where)}: ${output.styled(styles[standing], standing)} ${oneLine(what)}`.trimEnd());
  }
  if (lines.length > 0) output.line();
  const counts = summaryOf(all);
  const rows = standings.filter((standing) => counts[standing] > 0);
  output.table(
    rows.map((standing) => ({ standing, entries: counts[standing], meaning: standingTitles[standing] })),
    'The folder has no entries.',
  );
  if (files.size === 0) return;
  output.line();
  output.line(
    oneLine(`${write === undefined ? 'Would write' : `Wrote into ${write}`}: ${[...files.keys()].join(', ')}`),
  );
}

const styles = {
  taken: 'green',
  renamed: 'green',
  'not-needed': 'gray',
  overridden: 'yellow',
  'by-hand': 'yellow',
  wrong: 'red',
  unknown: 'red',
} as const satisfies Readonly<Record<Standing, string>>;
