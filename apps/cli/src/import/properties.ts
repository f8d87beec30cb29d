import { knownProperty, valueFault } from '@pns/config-cascade';
import { fileText, parseProperties, type Assignment } from '@pns/config-folder';
import { convertedProperty, isSameValue, shownName, type ConvertedProperty } from './converted-property';
import type { OriginalFile } from './original-folder';
import type { ReportLine } from './report';
import { takenAsWebhookSetting, type WebhookSettings } from './webhook-settings';

/** A property to write, and its origin. */
export interface WrittenProperty {
  readonly name: string;
  readonly text: string;
  readonly file: string;
  readonly line: number;
}

/** A line of a properties file of the original. */
interface Candidate extends ConvertedProperty {
  readonly file: string;
  readonly line: number;
  /** The original's property name. */
  readonly original: string;
}

/** The properties of the original's files, with our names. */
interface ImportedProperties {
  readonly written: readonly WrittenProperty[];
  readonly settings: WebhookSettings;
  readonly lines: readonly ReportLine[];
}

/**
 * Converts `*.properties`. As in Java, if a file sets a name twice, the last line counts. The original reads its files in no
 * fixed order, so different values in two files are reported. The value of the last file in the order of names is written.
 */
export function importedProperties(files: readonly OriginalFile[], hasWebhooks: boolean): ImportedProperties {
  const lines: ReportLine[] = [];
  const candidates = files.flatMap((file) => candidatesIn(file, lines));
  const settings: WebhookSettings = {};
  const written = new Map<string, Candidate & { readonly name: string; readonly text: string }>();
  const rest: Candidate[] = [];
  const perWebhook = new Map<string, Candidate>();
  for (const candidate of candidates.filter(({ isPerWebhook }) => isPerWebhook === true)) {
    const { original: name, text = '' } = candidate;
    const before = perWebhook.get(name);
    if (before !== undefined) rest.push(overruled(before, { ...candidate, name, text }));
    perWebhook.set(name, candidate);
  }
  for (const candidate of perWebhook.values()) {
    const { standing, reason } = takenAsWebhookSetting(candidate.original, candidate.text ?? '', hasWebhooks, settings);
    rest.push({ ...candidate, standing, reason });
  }
  for (const candidate of candidates.filter(({ isPerWebhook }) => isPerWebhook !== true)) {
    const { name, text } = candidate;
    if (name === undefined || text === undefined) {
      rest.push(candidate);
      continue;
    }
    const before = written.get(name);
    // A line with our name takes precedence over a line with another name of the original for the same property.
    const isWinner = before === undefined || candidate.original === name || before.original !== name;
    const winner = isWinner ? { ...candidate, name, text } : before;
    const loser = isWinner ? before : candidate;
    written.set(name, winner);
    if (loser !== undefined) rest.push(overruled(loser, winner));
  }
  for (const { file, line, original, standing, reason } of [...rest, ...written.values()]) {
    lines.push({ file, line, ...shownName(original), standing, ...(reason === undefined ? {} : { reason }) });
  }
  return {
    written: [...written.values()].map(({ name, text, file, line }) => ({ name, text, file, line })),
    settings,
    lines,
  };
}

function overruled(
  loser: Candidate,
  { file, line, name, text }: Candidate & { name: string; text: string },
): Candidate {
  const where = `${file}, line ${line},`;
  if (isSameValue(name, text, loser.text ?? ''))
    return { ...loser, standing: 'overridden', reason: `is set in ${where} too, with the same value` };
  const reason = `is set in ${where} with another value; that line's value is written; remove the wrong one`;
  return { ...loser, standing: 'wrong', reason };
}

function candidatesIn({ file, content }: OriginalFile, lines: ReportLine[]): Candidate[] {
  const text = 'fault' in content ? content : fileText(content.bytes);
  if ('fault' in text) {
    lines.push({ file, standing: 'wrong', reason: text.fault });
    return [];
  }
  const { assignments, faults } = parseProperties(text.lines, { colonSeparates: true });
  for (const { line, name, reason } of faults)
    lines.push({ file, line, ...shownName(name), standing: 'wrong', reason });
  const ours = new Map(parseProperties(text.lines).assignments.map((each) => [each.line, each]));
  const latest = new Map<string, Candidate>();
  for (const assignment of assignments) {
    const candidate = candidateOf(file, assignment, ours.get(assignment.line));
    const before = latest.get(candidate.original);
    if (before !== undefined) {
      const reason = `is set in line ${candidate.line} too; the last line counts`;
      lines.push({ file, line: before.line, ...shownName(before.original), standing: 'overridden', reason });
    }
    latest.set(candidate.original, candidate);
  }
  return [...latest.values()];
}

/**
 * Converts a line. Java ends the name at a colon; PNS reads the colon as a part of the name, because the original's documentation
 * has topics without escapes. The reading of PNS, `ours`, is used if only it is usable.
 */
function candidateOf(file: string, { name, text, line }: Assignment, ours: Assignment | undefined): Candidate {
  const converted = convertedProperty(name, text);
  if (ours !== undefined && ours.name !== name && isUsable(ours) && !isUsable({ name, text })) {
    const meant = convertedProperty(ours.name, ours.text);
    const reason = [meant.reason, colonReason].filter((each) => each !== undefined).join('; ');
    return { file, line, original: ours.name, ...meant, reason };
  }
  return { file, line, original: name, ...converted, ...(converted.isPerWebhook === true ? { text } : {}) };
}

const colonReason = 'is read with its colon, which ended the name in the original, so the line had no effect there';

function isUsable({ name, text }: Pick<Assignment, 'name' | 'text'>): boolean {
  const { name: target = '', text: value = '' } = convertedProperty(name, text);
  const property = knownProperty(target);
  return property !== undefined && valueFault(property, value) === undefined;
}
