import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

beforeAll(async () => {
  const api = await testApi();
  const { body } = await api.send('GET', '/openapi.json', { key: null });
  const description = join(folder, 'openapi.json');
  writeFileSync(description, JSON.stringify(body));
  // The generator is published as ES modules only, which Jest cannot load.
  const generator = join(root, 'node_modules', 'openapi-typescript', 'bin', 'cli.js');
  execFileSync(process.execPath, [generator, description, '--output', join(folder, 'api.ts')], { stdio: 'pipe' });
  await api.close();
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The compiler's messages for a program that uses the generated types. */
function faultsOf(program: string): string[] {
  const file = join(folder, 'client.ts');
  writeFileSync(file, program);
  const options = { strict: true, noEmit: true, target: ScriptTarget.ES2022, module: ModuleKind.CommonJS, types: [] };
  const compiled = createProgram([file], { ...options, exactOptionalPropertyTypes: true });
  return getPreEmitDiagnostics(compiled).map(({ messageText }) => flattenDiagnosticMessageText(messageText, '\n'));
}

/** The body of the README's first curl. */
function bodyOfReadme(): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [command = ''] = /^curl -i [^]*?\n```/m.exec(readme) ?? [];
  const script = `curl() { for each; do printf '%s\\0' "$each"; done; }\n${command.replace('```', '')}`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').at(-2) ?? '';
}

const types = `
import type { paths } from './api';
type Post = paths['/v1/notifications']['post'];
type Body = Post['requestBody']['content']['application/json'];
type Answer = Post['responses'][202]['content']['application/json'];
`;

it("the README's example is accepted unchanged as a body of the generated client", () => {
  const body = bodyOfReadme();
  expect(JSON.parse(body)).toMatchObject({ topic: 'ox:mail:new' });
  expect(faultsOf(`${types} export const body: Body = ${body};`)).toEqual([]);
});

it('optional fields may be present or absent, and an invalid value is a compile error', () => {
  const entry = `context: 1, user: 14, topic: 'ox:mail:new', payload: {}`;
  expect(faultsOf(`${types} export const body: Body = { ${entry}, priority: 'low', ttlSeconds: 60 };`)).toEqual([]);
  expect(faultsOf(`${types} export const body: Body = { notifications: [{ ${entry} }] };`)).toEqual([]);
  expect(faultsOf(`${types} export const body: Body = { ${entry}, priority: 'lowest' };`)).not.toEqual([]);
  expect(faultsOf(`${types} export const body: Body = { context: 1 };`)).not.toEqual([]);
});

it('answers have types, in all sections', () => {
  const program = `${types}
    declare const answer: Answer;
    export const ids: string[] = answer.notifications.map(({ id }) => id);
    declare const ready: paths['/health/ready']['get']['responses'][503]['content']['application/json'];
    export const status: 'ok' | 'unavailable' = ready.status;
    export const subscription: paths['/v1/subscriptions']['post']['requestBody']['content']['application/json'] =
      { context: 1, user: 14, client: 'crm', transport: 'webhook', topics: ['*'] };
  `;
  expect(faultsOf(program)).toEqual([]);
});
