import { isDeepStrictEqual } from 'node:util';
import { optionsSentence, type YamlEntry } from '@pns/config-folder';
import { apnsOptionsFileFor } from '@pns/transport-apns';
import { fcmOptionsFileFor } from '@pns/transport-fcm';
import { webhookOptionsFileFor } from '@pns/transport-webhook';
import { wnsOptionsFileFor } from '@pns/transport-wns';
import type { z } from 'zod';
import { KeyFiles } from './key-files';
import { convertedField, type ConvertedField, type OptionFile } from './option-fields';
import type { OriginalFolder } from './original-folder';
import type { ReportLine } from './report';
import type { WebhookSettings } from './webhook-settings';
import { isFields, named, noFields } from './yaml-file';

/** The options to write for a client or webhook, and their origin. */
interface Written {
  readonly options: ReadonlyMap<string, unknown>;
  readonly file: string;
  readonly line: number;
}

type ReadFile = (path: string) => Buffer;

/** The schemas with which PNS in production reads the files. */
const schemas: Readonly<Record<OptionFile, (readFile: ReadFile) => z.ZodType>> = {
  'pns-apns-options.yml': (readFile) => apnsOptionsFileFor('production', readFile),
  'pns-gcm-options.yml': (readFile) => fcmOptionsFileFor('production', readFile),
  'pns-wns-options.yml': (readFile) => wnsOptionsFileFor('production', readFile),
  'webhooks.yml': (readFile) => webhookOptionsFileFor('production', readFile),
};

/** The fields that name files with keys, by their paths or by their ids in the folder of secrets. */
const keyFileFields: Readonly<
  Record<OptionFile, { readonly paths: readonly string[]; readonly ids: readonly string[] }>
> = {
  'pns-apns-options.yml': { paths: ['keystore', 'privatekey'], ids: ['keystoreId', 'privatekeyId'] },
  'pns-gcm-options.yml': { paths: ['serviceAccount'], ids: [] },
  'pns-wns-options.yml': { paths: [], ids: [] },
  'webhooks.yml': { paths: [], ids: [] },
};

/** Where an entry comes from, and the file that it is written to. */
interface EntrySource {
  readonly file: string;
  readonly target: OptionFile;
  /** The name under which it is written. */
  readonly client: string;
}

/** An entry of an option file of the original. */
export interface OptionEntry {
  readonly source: EntrySource;
  readonly entry: YamlEntry;
  /** Fields that have no effect in the file of the original, and how the import reports them. */
  readonly ignored?: ReadonlyMap<string, ConvertedField>;
}

/** A field of the original, and how it is imported. */
interface Field extends ConvertedField {
  readonly name: string;
  readonly line: number;
}

/** Converts the option files of the original. Each entry is checked as PNS will read it, and written only if it is usable. */
export class ImportedOptions {
  readonly written = new Map<OptionFile, Map<string, Written>>();
  readonly lines: ReportLine[] = [];
  readonly keyFiles: KeyFiles;

  constructor(
    folder: OriginalFolder,
    private readonly settings: WebhookSettings,
  ) {
    this.keyFiles = new KeyFiles(folder);
  }

  /** Takes all entries over. */
  take(entries: readonly OptionEntry[]): void {
    for (const { source, entry } of entries)
      for (const { value, isId } of keyFilesOf(source.target, entry)) this.keyFiles.reserve(value, isId);
    for (const each of entries) this.takeOne(each);
  }

  /** Notes the files that an entry names. `isUsed` says whether the original reads the file of a field. */
  noteKeyFiles(
    { file, target }: Omit<EntrySource, 'client'>,
    entry: YamlEntry,
    isUsed: (field: string) => boolean,
  ): void {
    for (const { field, value, isId } of keyFilesOf(target, entry)) {
      const shown = `${named(entry.name, field).entry ?? 'an entry'} in ${file}, line ${entry.lineOf([field])},`;
      this.keyFiles.noteNaming(value, isId, { shown, isUsed: isUsed(field) });
    }
  }

  private takeOne({ source, entry, ignored = new Map() }: OptionEntry): void {
    const { file, target, client } = source;
    const { value, line, lineOf } = entry;
    if (!isFields(value))
      return void this.lines.push({ file, line, ...named(entry.name), standing: 'wrong', reason: noFields });
    this.keyFiles.forget();
    const fields = Object.keys(value).map((name): Field => {
      const converted = ignored.get(name) ?? convertedField(target, name, value);
      return { name, line: lineOf([name]), ...this.withKeyFile(source, name, converted) };
    });
    const notNeeded = new Set(fields.flatMap(({ name, standing }) => (standing === 'not-needed' ? [name] : [])));
    this.noteKeyFiles(source, entry, (field) => !notNeeded.has(field));
    const moved = fields.map((field) => (isMoved(source) ? movedTo(source, field) : field));
    const { checked, options, fault } = this.checked(source, moved);
    const report = (rows: readonly Field[]) => {
      for (const { name, line: at, standing, reason } of rows)
        this.lines.push({
          file,
          line: at,
          ...named(entry.name, name),
          standing,
          ...(reason === undefined ? {} : { reason }),
        });
    };
    if (options === undefined) {
      const isNamed = checked.some(({ standing }) => standing === 'wrong');
      if (!isNamed || fields.length === 0)
        this.lines.push({ file, line, ...named(entry.name), standing: 'wrong', reason: fault ?? noFields });
      return report(checked.map(notWritten));
    }
    const ofTarget = this.written.get(target) ?? new Map<string, Written>();
    this.written.set(target, ofTarget);
    const before = ofTarget.get(client);
    if (before !== undefined) {
      // The options are equal, so the files of this entry have the same bytes as the files that are written.
      if (isDeepStrictEqual(before.options, options)) this.keyFiles.keep();
      return report(checked.map((field) => overruled(field, before, options)));
    }
    ofTarget.set(client, { options, file, line });
    this.keyFiles.keep();
    report(checked);
    this.reportOpenWebhook(source, entry, options);
  }

  /** Copies the file that a field names. It may be missing if the entry is not enabled, because PNS does not read it then. */
  private withKeyFile({ target, client }: EntrySource, name: string, field: ConvertedField): ConvertedField {
    const { value } = field;
    if (typeof value !== 'string') return field;
    if (keyFileFields[target].ids.includes(name)) {
      const copy = this.keyFiles.copiedById(value);
      return copy === undefined ? field : { ...field, reason: `is copied to ${copy.target}` };
    }
    if (!keyFileFields[target].paths.includes(name)) return field;
    const copy = this.keyFiles.copied(value, client);
    if (copy === undefined) return field;
    if (!copy.found.isNamesake)
      return { standing: 'renamed', value: copy.target, reason: `is copied to ${copy.target}` };
    const reason = `names no file; another file with the same name, ${copy.found.file}, is copied to ${copy.target}; check that it is the right one`;
    return { standing: 'by-hand', value: copy.target, reason };
  }

  /** Checks an entry as PNS will read it. The result has `options` only if the entry is usable. */
  private checked(
    { target, client }: EntrySource,
    fields: readonly Field[],
  ): { readonly checked: readonly Field[]; readonly options?: ReadonlyMap<string, unknown>; readonly fault?: string } {
    const schema = schemas[target]((path) => this.keyFiles.read(path));
    const options = new Map<string, unknown>(
      fields.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])),
    );
    const settings = target === 'webhooks.yml' ? this.settingsFor(options) : {};
    for (const [name, value] of Object.entries({ ...settings })) if (!options.has(name)) options.set(name, value);
    const unknown = new Set<string>();
    let issues = issuesOf(schema, client, options);
    for (;;) {
      const strangers = issues
        .flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []))
        .filter((name) => options.delete(name));
      if (strangers.length === 0) break;
      for (const name of strangers) unknown.add(name);
      issues = issuesOf(schema, client, options);
    }
    const faults = new Map(
      issues.map((issue) => [issue.path[0], optionsSentence([{ ...issue, path: issue.path.slice(1) }])]),
    );
    const checked = fields.map((field): Field => {
      const fault = faults.get(field.name);
      if (unknown.has(field.name)) return { ...field, standing: 'unknown', reason: unknownField };
      return fault === undefined ? field : { ...field, standing: 'wrong', reason: fault };
    });
    return issues.length === 0 ? { checked, options } : { checked, fault: optionsSentence(issues) };
  }

  /** The settings for all webhooks that apply to a webhook with these options. */
  private settingsFor(options: ReadonlyMap<string, unknown>): WebhookSettings {
    const { allowedNetworks, ...rest } = this.settings;
    const isOpen = options.get('uriValidationMode') === 'none';
    return { ...rest, ...(allowedNetworks === undefined || isOpen ? {} : { allowedNetworks }) };
  }

  private reportOpenWebhook({ file }: EntrySource, entry: YamlEntry, options: ReadonlyMap<string, unknown>): void {
    if (this.settings.allowedNetworks === undefined || options.get('uriValidationMode') !== 'none') return;
    const reason =
      'accepts any URI of a user, so allowLocalWebhooks is not written for it; set allowedNetworks if users may reach your networks';
    this.lines.push({ file, line: entry.line, ...named(entry.name), standing: 'by-hand', reason });
  }
}

const unknownField = 'is neither a field of the original nor of PNS, and is not written';

interface KeyFileField {
  readonly field: string;
  readonly value: string;
  readonly isId: boolean;
}

/** The fields of an entry that name files. */
function keyFilesOf(target: OptionFile, { value: fields }: YamlEntry): readonly KeyFileField[] {
  if (!isFields(fields)) return [];
  const { paths, ids } = keyFileFields[target];
  return [...paths, ...ids].flatMap((field) => {
    const value = fields[field];
    return typeof value === 'string' ? [{ field, value, isId: ids.includes(field) }] : [];
  });
}

/** The faults of an entry, with paths that begin at its fields. */
function issuesOf(schema: z.ZodType, client: string, options: ReadonlyMap<string, unknown>): z.core.$ZodIssue[] {
  const { error } = schema.safeParse(Object.fromEntries([[client, Object.fromEntries(options)]]));
  return (error?.issues ?? []).flatMap((issue) =>
    issue.code === 'invalid_key' ? issue.issues : [{ ...issue, path: issue.path.slice(1) }],
  );
}

function isMoved({ file, target }: EntrySource): boolean {
  return file !== target;
}

function movedTo({ target }: EntrySource, field: Field): Field {
  if (field.standing !== 'taken') return field;
  const reason = [`is in ${target} here`, field.reason].filter((each) => each !== undefined).join('; ');
  return { ...field, standing: 'renamed', reason };
}

function isWritten({ standing, value }: Field): boolean {
  return standing === 'taken' || standing === 'renamed' || (standing === 'by-hand' && value !== undefined);
}

function notWritten(field: Field): Field {
  if (!isWritten(field)) return field;
  return { ...field, standing: 'by-hand', reason: 'is not written, because its entry cannot be used as it is' };
}

function overruled(field: Field, { file, line, options }: Written, own: ReadonlyMap<string, unknown>): Field {
  if (!isWritten(field)) return field;
  const where = `${file}, line ${line},`;
  return isDeepStrictEqual(options, own)
    ? { ...field, standing: 'overridden', reason: `is in ${where} too, with the same options` }
    : {
        ...field,
        standing: 'wrong',
        reason: `is not written: the entry in ${where} has the same client and is written; remove one of the two`,
      };
}
