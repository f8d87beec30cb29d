import { styleText } from 'node:util';
import Table from 'cli-table3';
import { isColoured } from './env';

/** A row of a table: the titles of the columns and their texts. */
export type Row = Readonly<Record<string, string | number | undefined>>;

type Style = Parameters<typeof styleText>[0];

/** Writes answers: tables and sentences for people, or JSON for programs. */
export class Output {
  private readonly hasColours: boolean;

  constructor(
    private readonly isJson: boolean,
    private readonly stream: { write(text: string): unknown; isTTY?: boolean },
  ) {
    this.hasColours = isColoured(stream);
  }

  /** Writes `answer` as JSON, or calls `forPeople`, which writes it for people. */
  show(answer: unknown, forPeople: () => void): void {
    if (this.isJson) this.stream.write(`${JSON.stringify(answer, undefined, 2).replace(rawInJson, escapedInJson)}\n`);
    else forPeople();
  }

  line(text = ''): void {
    this.stream.write(`${text.replace(unprintable, ' ')}\n`);
  }

  /** Writes a table, or `empty` where there are no rows. */
  table(rows: readonly Row[], empty: string): void {
    const [first] = rows;
    if (first === undefined) return this.line(empty);
    const titles = Object.keys(first);
    const table = new Table({
      head: titles.map((title) => this.styled('bold', title)),
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
      chars: noBorders,
    });
    for (const row of rows) table.push(titles.map((title) => this.cell(title, row[title])));
    this.line(table.toString().replace(/ +$/gm, ''));
  }

  /** Colours `text` where colours are used. */
  styled(style: Style, text: string): string {
    return this.hasColours ? styleText(style, text, { validateStream: false }) : text;
  }

  /** An outcome in its colour. */
  outcome(outcome: string): string {
    return this.styled(outcomeStyles[outcome] ?? 'red', outcome);
  }

  private cell(title: string, value: string | number | undefined): string {
    // A line break would end the row.
    const text = String(value ?? '').replaceAll('\n', ' ');
    return title === 'outcome' && text !== '' ? this.outcome(text) : text;
  }
}

const outcomeStyles: Readonly<Record<string, Style>> = {
  delivered: 'green',
  accepted: 'green',
  duplicate: 'yellow',
  retry: 'yellow',
  suppressed: 'gray',
  expired: 'gray',
};

const escape = String.fromCharCode(27);

/**
 * Control characters, except line breaks and our own colours. Texts contain values of tenants and answers of far sides, which
 * must not control the terminal.
 */
const unprintable = new RegExp(`(?!\\n|${escape}\\[\\d+m)\\p{Cc}`, 'gu');

/** The control characters that JSON.stringify does not escape. */
const rawInJson = /[\u007f-\u009f]/g;

function escapedInJson(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** `text` with a blank for each control character, even for line breaks, because names of files may contain any character. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};
