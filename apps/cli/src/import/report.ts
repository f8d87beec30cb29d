/** How an entry of the original's configuration folder is imported. */
export const standings = ['taken', 'renamed', 'not-needed', 'overridden', 'by-hand', 'wrong', 'unknown'] as const;
export type Standing = (typeof standings)[number];

/** The meaning of each standing, for the summary. */
export const standingTitles: Readonly<Record<Standing, string>> = {
  taken: 'has the same name and meaning here',
  renamed: 'has another name or place here',
  'not-needed': 'PNS does not need it',
  overridden: 'a later entry has the same name',
  'by-hand': 'needs a step by hand',
  wrong: 'cannot be used as it is',
  unknown: 'has a name that is not known',
};

/** The standings that need a decision of the operator. */
const undecided: ReadonlySet<Standing> = new Set(['by-hand', 'wrong', 'unknown']);

/** One entry of the original: a property, a field of an option file, or a file without entries. Contains no value. */
export interface ReportLine {
  /** The path relative to the folder, separated by `/`. */
  readonly file: string;
  /** The number of the line, from 1; absent for a whole file. */
  readonly line?: number;
  /** The property, or the entry and its field; absent when the name may be a secret. */
  readonly entry?: string;
  readonly standing: Standing;
  /** The end of a sentence whose subject is the entry, or the file. */
  readonly reason?: string;
}

/** How many entries have each standing. */
export function summaryOf(lines: readonly ReportLine[]): Readonly<Record<Standing, number>> {
  const counts = Object.fromEntries(standings.map((standing) => [standing, 0])) as Record<Standing, number>;
  for (const { standing } of lines) counts[standing]++;
  return counts;
}

export function needsDecision(lines: readonly ReportLine[]): boolean {
  return lines.some(({ standing }) => undecided.has(standing));
}

/** The lines, sorted by file and line. */
export function inOrder(lines: readonly ReportLine[]): readonly ReportLine[] {
  return lines.toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : (a.line ?? 0) - (b.line ?? 0)));
}
