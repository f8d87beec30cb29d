import { posix } from 'node:path';
import { ImportedContextSets } from './context-sets';
import { convertedProperty, ofOthers, shownName } from './converted-property';
import type { KeyFiles } from './key-files';
import type { ConvertedField, OptionFile } from './option-fields';
import { ImportedOptions, type OptionEntry } from './option-files';
import { OriginalFolder, type OriginalFile } from './original-folder';
import { importedProperties } from './properties';
import { inOrder, type ReportLine } from './report';
import { propertiesText, yamlText } from './written-folder';
import { entriesOf, isFields, named, notNeededEntries } from './yaml-file';

/** A configuration folder of the original, converted to our format. */
export interface ImportedFolder {
  readonly lines: readonly ReportLine[];
  /** The files to write, by path. */
  readonly files: ReadonlyMap<string, string | Buffer>;
}

/** The names of option files in all versions of the original, without their endings. */
const optionFiles: Readonly<Record<string, OptionFile>> = {
  'pns-apns-options': 'pns-apns-options.yml',
  'pns-apn-options': 'pns-apns-options.yml',
  'pns-apns_http2-options': 'pns-apns-options.yml',
  'pns-gcm-options': 'pns-gcm-options.yml',
  'pns-fcm-options': 'pns-gcm-options.yml',
  'pns-wns-options': 'pns-wns-options.yml',
  webhooks: 'webhooks.yml',
  'pns-webhooks-options': 'webhooks.yml',
  'pns-webhook-options': 'webhooks.yml',
};

const yamlEnding = /\.ya?ml$/;

/** The kind of a file of the original, by its path. */
type Kind =
  | { readonly kind: 'properties' | 'push-clients' | 'facade-clients' | 'metadata' | 'other-yaml' | 'copy' | 'other' }
  | { readonly kind: 'options'; readonly target: OptionFile }
  | { readonly kind: 'context-sets'; readonly name: string };

function kindOf(file: string): Kind {
  const name = posix.basename(file);
  // All files below a folder such as `.git/` are hidden.
  if (file.split('/').some((part) => part.startsWith('.'))) return { kind: 'copy' };
  // Copies that editors, package managers and version control make.
  if (/^[#~]|~$|[.#](?:bak|orig|rej|old|save|rpmnew|rpmsave|rpmorig|dpkg-\w+|ucf-\w+|swp)$|#$/.test(name))
    return { kind: 'copy' };
  if (/\.properties$/i.test(name)) return { kind: 'properties' };
  if (!yamlEnding.test(name)) return { kind: 'other' };
  const [, setName] = /(?:^|\/)context-?sets\/(.+)$/i.exec(file) ?? [];
  if (setName !== undefined) return { kind: 'context-sets', name: setName };
  if (/(?:^|\/)pushClientConfig\//.test(file)) return { kind: 'push-clients' };
  if (/(?:^|\/)meta\//.test(file)) return { kind: 'metadata' };
  const plain = name.replace(yamlEnding, '');
  if (plain === 'pns-mobile-api-facade-clients') return { kind: 'facade-clients' };
  const target = optionFiles[plain];
  return target === undefined ? { kind: 'other-yaml' } : { kind: 'options', target };
}

/**
 * Converts the configuration folder of the original at `path`. Reads only.
 *
 * @throws UsageError if `path` is not a readable folder
 */
export function importedFolder(path: string): ImportedFolder {
  const folder = new OriginalFolder(path);
  const files = folder.files.map((original) => ({ original, ...kindOf(original.file) }));
  const filesOf = (kind: Kind['kind']) => files.filter((each) => each.kind === kind).map(({ original }) => original);
  const hasWebhooks = files.some((each) => each.kind === 'options' && each.target === 'webhooks.yml');
  const properties = importedProperties(filesOf('properties'), hasWebhooks);
  const lines: ReportLine[] = [...properties.lines];
  const options = new ImportedOptions(folder, properties.settings);
  const sets = new ImportedContextSets();
  const entries: OptionEntry[] = [];
  // The first of two entries for one client is written, so files at the top of the folder come before those in folders of copies.
  for (const each of files.toSorted((a, b) => depthOf(a.original) - depthOf(b.original))) {
    const { original } = each;
    if (each.kind === 'options') {
      for (const entry of entriesOf(original, lines))
        entries.push({ source: { file: original.file, target: each.target, client: entry.name }, entry });
    }
    if (each.kind === 'context-sets') sets.take(original, each.name);
  }
  for (const original of filesOf('push-clients')) entries.push(...pushClients(original, options, lines));
  options.take(entries);
  for (const original of filesOf('metadata')) lines.push(...metadataLines(original));
  for (const original of filesOf('facade-clients')) lines.push(...notNeededEntries(original, ofFacadeClients));
  for (const original of filesOf('other-yaml')) lines.push(...notNeededEntries(original));
  for (const { file } of filesOf('copy')) lines.push(lineOfFile(file, options.keyFiles, 'is a hidden file or a copy'));
  for (const { file } of filesOf('other')) lines.push(lineOfFile(file, options.keyFiles, ofOthers));
  const written = new Map<string, string | Buffer>();
  if (properties.written.length > 0) written.set('pns.properties', propertiesText(properties.written));
  for (const [file, entries] of options.written)
    if (entries.size > 0)
      written.set(file, yamlText(new Map([...entries].map(([name, each]) => [name, each.options]))));
  for (const [file, content] of sets.written) written.set(file, yamlText(content));
  for (const [file, bytes] of options.keyFiles.written) written.set(file, bytes);
  return { lines: inOrder([...lines, ...options.lines, ...sets.lines]), files: written };
}

function depthOf({ file }: OriginalFile): number {
  return file.split('/').length;
}

/** The report line of a file that has no entries. `reason` is used if no entry names the file. */
function lineOfFile(file: string, keyFiles: KeyFiles, reason: string): ReportLine {
  const copy = keyFiles.copies.get(file);
  if (copy !== undefined) return { file, standing: 'renamed', reason: `is copied to ${copy}` };
  const naming = keyFiles.namingOf(file);
  if (naming === undefined) return { file, standing: 'not-needed', reason };
  return naming.isUsed
    ? { file, standing: 'by-hand', reason: `is named by ${naming.shown} and is not copied` }
    : { file, standing: 'not-needed', reason: `is named by ${naming.shown} which is not needed, and is not copied` };
}

const ofFacadeClients = 'is not needed: every client of the option files gets the texts of the mobile API facade';

/** The types of entries in `pushClientConfig/`, and the ends of the names that the push service of the original looks for. */
const pushClientTypes: readonly (readonly [type: RegExp, target: OptionFile, end: string])[] = [
  [/^(?:apns?|apn2|apns_http2)$/i, 'pns-apns-options.yml', '-ios'],
  [/^(?:fcm|gcm)$/i, 'pns-gcm-options.yml', '-android'],
];

/** Returns the entries of a file in `pushClientConfig/` that are imported. Adds report lines for all other entries to `lines`. */
function pushClients(original: OriginalFile, options: ImportedOptions, lines: ReportLine[]): OptionEntry[] {
  const { file } = original;
  const taken: OptionEntry[] = [];
  for (const entry of entriesOf(original, lines)) {
    const { name, line, value } = entry;
    const type = isFields(value) ? value['_type'] : undefined;
    const [, target, end = ''] = pushClientTypes.find(([pattern]) => pattern.test(String(type))) ?? [];
    if (target !== undefined && name.endsWith(end)) {
      const ignored = new Map<string, ConvertedField>([
        ['_type', { standing: 'renamed', reason: `is the file ${target} here` }],
        ['enabled', { standing: 'not-needed', reason: 'has no effect in pushClientConfig/' }],
      ]);
      taken.push({ source: { file, target, client: name.slice(0, -end.length) }, entry, ignored });
      continue;
    }
    for (const each of target === undefined ? pushClientTypes.map(([, file]) => file) : [target])
      options.noteKeyFiles({ file, target: each }, entry, () => target === undefined);
    const reason =
      target === undefined
        ? 'has no _type that PNS knows: apn or fcm'
        : `is not needed: the push service of the original looks for names that end in ${end}`;
    const standing = target === undefined ? 'unknown' : 'not-needed';
    const fields = isFields(value) ? Object.keys(value) : [];
    if (fields.length === 0) lines.push({ file, line, ...named(name), standing, reason });
    for (const field of fields)
      lines.push({ file, line: entry.lineOf([field]), ...named(name, field), standing, reason });
  }
  return taken;
}

/** The report lines for metadata of properties. PNS needs only `final`, which operators set over the API. */
function metadataLines(original: OriginalFile): ReportLine[] {
  const lines: ReportLine[] = [];
  const { file } = original;
  for (const { name, value, line, lineOf } of entriesOf(original, lines)) {
    const { name: property } = withAnyValue(name);
    const fields = isFields(value) ? Object.keys(value) : [];
    if (fields.length === 0) lines.push({ file, line, ...shownName(name), standing: 'not-needed', reason: ofOthers });
    for (const field of fields) {
      const isFinal = field === 'final' && property !== undefined;
      const reason = isFinal
        ? `is set over the API: PUT /v1/config/server/properties/${property} with "final"`
        : property === undefined
          ? ofOthers
          : 'is not needed: users of PNS set no properties themselves';
      const standing = isFinal ? 'by-hand' : 'not-needed';
      lines.push({ file, line: lineOf([field]), ...shownName(name), standing, reason });
    }
  }
  return lines;
}

/** Finds our name of a property whose type is not known: tries a value of each type. */
function withAnyValue(name: string): { readonly name?: string } {
  for (const value of ['true', '1000', 'all', 'equal']) {
    const converted = convertedProperty(name, value);
    if (converted.name !== undefined) return { name: converted.name };
  }
  return {};
}
