import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  createProgram,
  flattenDiagnosticMessageText,
  getPreEmitDiagnostics,
  ModuleKind,
  ScriptTarget,
} from 'typescript';
import { testApi } from '../testing/test-api';

const root = join(__dirname, '..', '..', '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'pns-generated-client-'));

const types = `
import type { paths } from './api';
type Post = paths['/v1/notifications']['post'];
type Body = Post['requestBody']['content']['application/json'];
type Answer = Post['responses'][202]['content']['application/json'];
`;
const entry = `context: 1, user: 14, topic: 'ox:mail:new', payload: {}`;
const bodyIs = (body: string) => `${types} export const body: Body = ${body};`;

/** Programs that use the generated types, by their names. They are compiled together, because each compilation takes seconds. */
const programs = {
  readme: bodyIs(bodyOfReadme()),
  optional: bodyIs(`{ ${entry}, priority: 'low', ttlSeconds: 60 }`),
  batch: bodyIs(`{ notifications: [{ ${entry} }] }`),
  invalid: bodyIs(`{ ${entry}, priority: 'lowest' }`),
  missing: bodyIs('{ context: 1 }'),
  answers: `${types}
    declare const answer: Answer;
    export const ids: string[] = answer.notifications.map(({ id }) => id);
    declare const ready: paths['/health/ready']['get']['responses'][503]['content']['application/json'];
    export const status: 'ok' | 'unavailable' = ready.status;
    export const redis: string | undefined = ready.parts?.['redis'];
    export const subscription: paths['/v1/subscriptions']['post']['requestBody']['content']['application/json'] =
      { context: 1, user: 14, client: 'crm', transport: 'webhook', topics: ['*'] };
  `,
};

/** The compiler's messages by the names of the programs, and under `api` for the generated file. */
const faults: Partial<Record<string, string[]>> = {};

beforeAll(async () => {
  const api = await testApi();
  const { body } = await api.send('GET', '/openapi.json', { key: null });
  await api.close();
  const description = join(folder, 'openapi.json');
  writeFileSync(description, JSON.stringify(body));
  // The generator runs as a separate program, because it is published as ES modules only, which Jest cannot load.
  const generator = join(root, 'node_modules', 'openapi-typescript', 'bin', 'cli.js');
  execFileSync(process.execPath, [generator, description, '--output', join(folder, 'api.ts')], { stdio: 'pipe' });
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(folder, `${name}.ts`), text);
  const options = { strict: true, noEmit: true, target: ScriptTarget.ES2022, module: ModuleKind.CommonJS, types: [] };
  const files = Object.keys(programs).map((name) => join(folder, `${name}.ts`));
  const compiled = createProgram(files, { ...options, exactOptionalPropertyTypes: true });
  for (const { file, messageText } of getPreEmitDiagnostics(compiled)) {
    const name = basename(file?.fileName ?? 'options', '.ts');
    (faults[name] ??= []).push(flattenDiagnosticMessageText(messageText, '\n'));
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The body of the README's first curl. */
function bodyOfReadme(): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [command = ''] = /^curl -i [^]*?\n```/m.exec(readme) ?? [];
  const script = `curl() { for each; do printf '%s\\0' "$each"; done; }\n${command.replace('```', '')}`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').at(-2) ?? '';
}

it("the README's example is accepted unchanged as a body of the generated client", () => {
  expect(JSON.parse(bodyOfReadme())).toMatchObject({ topic: 'ox:mail:new' });
  expect(faults['readme']).toBeUndefined();
});

it('optional fields may be present or absent, and an invalid value is a compile error', () => {
  expect([faults['optional'], faults['batch']]).toEqual([undefined, undefined]);
  expect(faults).toMatchObject({ invalid: [expect.any(String)], missing: [expect.any(String)] });
});

it('answers have types, in all sections', () => {
  expect(faults['answers']).toBeUndefined();
});

it('nothing else has a fault', () => {
  expect(Object.keys(faults).sort()).toEqual(['invalid', 'missing']);
});
