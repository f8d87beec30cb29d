import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { logEvents, logEventsPage, type LogEventDescription } from '@pns/runtime/log-events';
import ts from 'typescript';

const root = join(__dirname, '..', '..', '..');
const table: Readonly<Record<string, LogEventDescription>> = logEvents;

/** An event in the sources, with its level and fields if the call shows them. */
interface Logged {
  readonly where: string;
  readonly event: string;
  readonly level?: string;
  readonly fields: readonly string[];
}

const sources = ['apps', 'libs'].flatMap((parent) => {
  const files = readdirSync(join(root, parent), { recursive: true }) as string[];
  return files
    .filter(
      (file) =>
        /[\\/]src[\\/].*\.ts$/.test(file) && !/spec\.ts$|[\\/]testing[\\/]|node_modules|^(e2e|bench)[\\/]/.test(file),
    )
    .map((file) => join(root, parent, file));
});

function loggedIn(path: string): Logged[] {
  const text = readFileSync(path, 'utf8');
  if (!/\blog\.|\bRecurringFault\b|\blogFault\b/.test(text)) return [];
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const logged: Logged[] = [];
  const note = (node: ts.Node, event: ts.Expression, fields: readonly string[] = [], level?: string): void => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    const where = `${relative(root, path)}:${line + 1}`;
    for (const name of namesOf(event))
      logged.push({ where, event: name, fields, ...(level !== undefined && { level }) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const callee = node.expression.getText();
      const level = callee === 'logFault' ? 'warn' : /^log\.(debug|info|warn|error|fatal)$/.exec(callee)?.[1];
      const [line] = node.arguments;
      if (level !== undefined && line !== undefined && ts.isObjectLiteralExpression(line)) {
        const named = line.properties.flatMap((property) => (property.name === undefined ? [] : [property]));
        const event = named.find(({ name }) => name?.getText() === 'event');
        const fields = named.map(({ name }) => name?.getText() ?? '').filter((name) => name !== 'event');
        if (event !== undefined && ts.isPropertyAssignment(event)) note(node, event.initializer, fields, level);
      }
    }
    if (ts.isNewExpression(node) && node.expression.getText() === 'RecurringFault') {
      for (const event of node.arguments?.slice(0, 2) ?? []) note(node, event, [], 'warn');
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return logged;
}

/** The events that an expression can name; none if the expression has no text, for example if it is a variable. */
function namesOf(event: ts.Expression): string[] {
  if (ts.isStringLiteral(event)) return [event.text];
  if (!ts.isTemplateExpression(event)) return [];
  const ending = event.templateSpans.at(-1)?.literal.text ?? ''; // for example `${part}.waiting`
  return Object.keys(table).filter((name) => name.endsWith(ending));
}

const logged = sources.flatMap(loggedIn);

it('every event that is logged is in the table, at its level and with its fields', () => {
  expect(logged.length).toBeGreaterThan(60);
  const missing = logged.filter(({ event, level, fields }) => {
    const row = table[event];
    const levels: readonly (string | undefined)[] = row?.levels ?? [];
    return row === undefined || !levels.includes(level) || fields.some((field) => !row.fields.includes(field));
  });
  expect(missing).toEqual([]);
});

it('every event in the table is logged somewhere', () => {
  const names = new Set(logged.map(({ event }) => event));
  const texts = sources.filter((path) => !path.endsWith('log-events.ts')).map((path) => readFileSync(path, 'utf8'));
  const isNamed = (event: string) => names.has(event) || texts.some((text) => text.includes(`event: '${event}'`));
  expect(Object.keys(table).filter((event) => !isNamed(event))).toEqual([]);
});

it('the page is generated from the table: npm run log-events-page', () => {
  expect(readFileSync(join(root, 'docs', 'log-events.md'), 'utf8')).toBe(logEventsPage());
});
