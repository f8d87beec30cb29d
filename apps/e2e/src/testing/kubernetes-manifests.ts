import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { helm } from '@pns/local-servers';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';
import { root } from '../doc-page';

const chart = join(root, 'deploy', 'helm', 'pns');

/** A rendered object of Kubernetes. The schemas check the fields. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

/** Runs helm on the chart with a value file of its folder `ci` and further arguments. */
export function runHelm(command: 'lint' | 'template', values: string, ...args: string[]) {
  const { file, env } = helm();
  const name = command === 'template' ? ['pns'] : [];
  const all = [command, ...name, chart, '--values', join(chart, 'ci', `${values}-values.yaml`), ...args];
  const { status, stdout, stderr } = spawnSync(file, all, { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** The objects of the chart, rendered with these values. @throws Error with helm's message if it refuses them */
export function rendered(values: string, ...args: string[]): Manifest[] {
  const { status, stdout, stderr } = runHelm('template', values, ...args);
  if (status !== 0) throw new Error(stderr);
  // Kubernetes reads YAML 1.1.
  const documents = parseAllDocuments(stdout, { version: '1.1' });
  return documents.map((document) => document.toJS() as Manifest | null).filter((each) => each !== null);
}

/** The npm module with the validator for objects of this kind, generated from the JSON schema of Kubernetes or KEDA. */
function moduleOf({ apiVersion, kind }: Manifest): string {
  const library = apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models';
  return `${library}/${apiVersion}/${kind}`;
}

/** The faults that the JSON schema of the object finds. */
export async function schemaFaults(manifest: Manifest): Promise<string | undefined> {
  type Model = new (data: Manifest) => { validate(): void };
  const model = ((await import(moduleOf(manifest))) as Readonly<Record<string, Model>>)[manifest.kind];
  if (model === undefined) return `${manifest.apiVersion} has no ${manifest.kind}`;
  try {
    new model(manifest).validate();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Finds unknown fields, which the JSON schemas accept, with tsc and the types that are made from the same schemas. */
export function unknownFields(manifests: readonly Manifest[]): string[] {
  const cache = join(root, 'node_modules', '.cache'); // TypeScript looks for packages in the folders above
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'manifests-'));
  try {
    const file = join(folder, 'manifests.ts');
    const lines = manifests.map((manifest, index) => {
      const type = `import('${moduleOf(manifest)}').I${manifest.kind}`;
      return `export const manifest${index}: ${type} = ${JSON.stringify(manifest)};\n`;
    });
    writeFileSync(file, lines.join(''));
    const program = ts.createProgram([file], {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      noEmit: true,
      skipLibCheck: true,
      strict: true,
      types: [],
    });
    return ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
