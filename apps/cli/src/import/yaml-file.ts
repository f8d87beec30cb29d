import { fileText, isPlainName, yamlEntries, type YamlEntry } from '@pns/config-folder';
import { ofOthers } from './converted-property';
import type { OriginalFile } from './original-folder';
import type { ReportLine } from './report';

/** The entries of a YAML file. Its faults and duplicates are added to `lines`. */
export function entriesOf(
  { file, content }: OriginalFile,
  lines: ReportLine[],
  options: Parameters<typeof yamlEntries>[1] = {},
): readonly YamlEntry[] {
  const text = 'fault' in content ? content : fileText(content.bytes);
  if ('fault' in text) {
    lines.push({ file, standing: 'wrong', reason: text.fault });
    return [];
  }
  const { entries, faults, warnings } = yamlEntries(text, options);
  for (const { line, entry, reason } of faults)
    lines.push({ file, line, ...named(entry ?? ''), standing: 'wrong', reason });
  for (const { line, entry, field, before } of warnings) {
    const reason = `is in line ${line} too; the last one counts`;
    lines.push({ file, line: before, ...named(entry ?? '', field), standing: 'overridden', reason });
  }
  if (entries.length === 0 && faults.length === 0) lines.push({ file, standing: 'not-needed', reason: 'has no entry' });
  return entries;
}

/** The report lines of a YAML file that PNS does not need. */
export function notNeededEntries(original: OriginalFile, reason = ofOthers): ReportLine[] {
  const lines: ReportLine[] = [];
  for (const { name, line } of entriesOf(original, lines))
    lines.push({ file: original.file, line, ...named(name), standing: 'not-needed', reason });
  return lines.map((line) => (line.standing === 'wrong' ? { ...line, standing: 'not-needed', reason } : line));
}

/** The name of an entry, and of a field of it. In a broken file, a secret may be read as a name, so only plain names are shown. */
export function named(entry: string, field?: string): { readonly entry?: string } {
  if (!isPlainName(entry)) return {};
  if (field === undefined) return { entry };
  return isFieldName(field) ? { entry: `${entry}.${field}` } : { entry };
}

function isFieldName(field: string): boolean {
  return /^(?:_?[a-z][A-Za-z]{1,31}|<<|taxonomy\/types|com\.openexchange\.[\w.:/-]{1,300})$/.test(field);
}

export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const noFields = 'has no fields; write them below its name, indented';

/** Returns the boolean that a word means. The original reads YAML 1.1, which has more words for true and false. */
export function booleanWord(value: unknown): boolean | undefined {
  if (typeof value !== 'string') return undefined;
  return /^(?:true|yes|on)$/i.test(value) ? true : /^(?:false|no|off)$/i.test(value) ? false : undefined;
}
