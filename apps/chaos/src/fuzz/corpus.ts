import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from './fuzz-part';

/** An input that once broke a rule, and the fault that it caused before PNS was corrected. */
interface CorpusEntry {
  readonly fault: string;
  readonly input: unknown;
}

const corpusFolder = join(__dirname, '..', '..', 'corpus');

/** The committed inputs of a part. */
export function corpusOf(part: string): readonly CorpusEntry[] {
  const name = `${part}.json`;
  if (!readdirSync(corpusFolder).includes(name)) return [];
  return JSON.parse(readFileSync(join(corpusFolder, name), 'utf8')) as CorpusEntry[];
}

/** Writes findings to a folder, as candidates for the corpus. */
export function writeFindings(folder: string, findings: readonly Finding[]): void {
  mkdirSync(folder, { recursive: true });
  for (const part of new Set(findings.map((finding) => finding.part))) {
    const entries = findings.filter((each) => each.part === part).map(({ fault, input }) => ({ fault, input }));
    writeFileSync(join(folder, `${part}.json`), `${JSON.stringify(entries, undefined, 2)}\n`);
  }
}
