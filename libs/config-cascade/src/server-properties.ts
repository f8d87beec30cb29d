import { fileText, parseProperties, type Assignment, type ConfigFault, type FileContent } from '@pns/config-folder';
import { knownProperty } from './property-registry';
import { foreignNameReason, shownPropertyName, valueFault } from './property-check';
import type { Scope } from './resolve';

/** A usable value of a file, and its line. */
interface Held {
  readonly text: string;
  readonly line: number;
}

/** An unusable line. */
interface Refused {
  readonly name: string;
  readonly line: number;
  readonly fault: ConfigFault;
}

/** A file of the configuration folder with its content. */
export interface NamedContent {
  readonly file: string;
  readonly content: FileContent;
}

/**
 * The server scope of the `*.properties` files. If a line is unusable, the previous value of its property stays in effect. If a
 * file is unreadable, all its previous values stay in effect.
 */
export class ServerProperties {
  private held: ReadonlyMap<string, ReadonlyMap<string, Held>> = new Map();
  /** Files of which no version could be read. */
  private unread: ReadonlySet<string> = new Set();

  /** Reads all files in the order of their names. If two files define a property, the later file decides. */
  read(files: readonly NamedContent[]): { readonly scope: Scope; readonly faults: readonly ConfigFault[] } {
    const faults: ConfigFault[] = [];
    const held = new Map<string, ReadonlyMap<string, Held>>();
    const values = new Map<string, string>();
    const sources = new Map<string, string>();
    const [unread, unknown] = [new Set<string>(), new Set<string>()];
    for (const { file, content } of files) {
      const found: ConfigFault[] = [];
      const ofFile = this.ofFile(file, content, found);
      for (const [name, { text, line }] of ofFile) {
        const before = sources.get(name);
        if (before !== undefined) found.push(overruling({ file, line, name }, before, held));
        values.set(name, text);
        sources.set(name, file);
      }
      held.set(file, ofFile);
      faults.push(...found);
      const isUnread = found.some(({ severity, line }) => severity === 'error' && line === undefined);
      if (isUnread && (!this.held.has(file) || this.unread.has(file))) unread.add(file);
      for (const name of ofFile.keys()) unknown.delete(name);
      for (const { severity, entry = '' } of found) {
        if (severity === 'error' && !ofFile.has(entry)) unknown.add(entry);
      }
    }
    this.held = held;
    this.unread = unread;
    const scope = { name: 'server', id: '*.properties', values, sources } as const;
    return { scope: { ...scope, unknown: unread.size > 0 ? 'all' : unknown }, faults };
  }

  private ofFile(file: string, content: FileContent, faults: ConfigFault[]): ReadonlyMap<string, Held> {
    const before = this.held.get(file) ?? new Map<string, Held>();
    const read = 'fault' in content ? content : fileText(content.bytes);
    if ('fault' in read) {
      faults.push({ file, severity: 'error', reason: read.fault });
      return before;
    }
    const { assignments, faults: unread } = parseProperties(read.lines);
    const held = new Map<string, Held>();
    const refused: Refused[] = unread.map(({ line, name, reason }) => {
      return { name, line, fault: lineFault({ file, line }, name, reason) };
    });
    const latestLines = new Map<string, number>();
    for (const assignment of assignments) {
      const { name, line } = assignment;
      const fault = assignmentFault(file, assignment, latestLines.get(name));
      latestLines.set(name, line);
      if (fault?.severity === 'error') refused.push({ name, line, fault });
      else if (fault !== undefined) faults.push(fault);
      if (fault?.severity !== 'error' && knownProperty(name) !== undefined) held.set(name, valueOf(assignment));
    }
    for (const { name, line, fault } of refused) {
      // As in Java, a later line replaces an earlier one, so an unusable line before a usable one is no fault.
      if ((held.get(name)?.line ?? 0) < line) faults.push(fault);
    }
    for (const { name } of refused) {
      const value = before.get(name);
      if (value !== undefined && !held.has(name)) held.set(name, value);
    }
    return held;
  }
}

function valueOf({ text, line }: Assignment): Held {
  return { text: text.trim(), line };
}

/** The fault of a readable line: an error if its value is invalid, a warning if its name is unknown or was set before. */
function assignmentFault(file: string, { name, text, line }: Assignment, before?: number): ConfigFault | undefined {
  const where = { file, line, entry: name.slice(0, 300) };
  const property = knownProperty(name);
  if (property === undefined) {
    const reason = foreignNameReason(name);
    const entry = shownPropertyName(name);
    const shown = { file, line, ...(entry === undefined ? {} : { entry }) };
    return reason === undefined ? undefined : { ...shown, severity: 'warning', reason };
  }
  const fault = valueFault(property, text.trim());
  if (fault !== undefined) {
    const hint = text.startsWith(':') ? '; separate name and value with =, because a colon is part of the name' : '';
    return { ...where, severity: 'error', reason: `${fault}${hint}` };
  }
  if (before === undefined) return undefined;
  return { ...where, severity: 'warning', reason: `is set in line ${before} too; the last line is used` };
}

/** The fault of an unreadable line: an error for a property of PNS, else a warning, because other software may use the line. */
function lineFault(where: Pick<ConfigFault, 'file' | 'line'>, name: string, reason: string): ConfigFault {
  const isOurs = knownProperty(name) !== undefined;
  return { ...where, ...(isOurs ? { entry: name } : {}), severity: isOurs ? 'error' : 'warning', reason };
}

function overruling(
  { file, line, name }: { readonly file: string; readonly line: number; readonly name: string },
  before: string,
  held: ReadonlyMap<string, ReadonlyMap<string, Held>>,
): ConfigFault {
  const reason = `is set in ${before}, line ${held.get(before)?.get(name)?.line ?? 0}, too; this file is used, because its name sorts last`;
  return { file, line, entry: name, severity: 'warning', reason };
}
