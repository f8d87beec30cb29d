import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { isProblemCode } from './problems';

const workspace = join(__dirname, '../../../..');

/** These take their code from elsewhere, and the compiler knows which ones it can be. */
const typedErrors: readonly string[] = ['RequestError', 'OxError'];

/** A class of errors with a code, and a place where one is made. */
interface Made {
  readonly where: string;
  readonly code: ts.Expression | undefined;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory())
      return ['node_modules', 'dist'].includes(entry.name) ? [] : sources(join(folder, entry.name));
    return /\.ts$/.test(entry.name) && !/(spec|\.d)\.ts$/.test(entry.name) ? [join(folder, entry.name)] : [];
  });
}

/** The syntax of a file; undefined for one that makes no such errors. */
function parsed(file: string): ts.SourceFile | undefined {
  const text = readFileSync(file, 'utf8');
  return text.includes('PnsError') ? ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true) : undefined;
}

/** The name of the class that `node` extends. */
function baseOf(node: ts.ClassDeclaration): string | undefined {
  return node.heritageClauses
    ?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
    ?.types[0]?.expression.getText();
}

/** Every `new PnsError(…)` of a file, and every `super(…)` of a class that extends it. */
function errorsOf(file: ts.SourceFile): Made[] {
  const made: Made[] = [];
  const visit = (node: ts.Node, heir?: string): void => {
    const note = ({
      arguments: [code] = [] as unknown as ts.NodeArray<ts.Expression>,
    }: ts.NewExpression | ts.CallExpression) => {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      made.push({ where: `${relative(workspace, file.fileName)}:${line + 1}`, code });
    };
    if (ts.isNewExpression(node) && node.expression.getText() === 'PnsError') note(node);
    const isSuper = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.SuperKeyword;
    if (isSuper && heir !== undefined && !typedErrors.includes(heir)) note(node);
    const within = ts.isClassDeclaration(node) && baseOf(node) === 'PnsError' ? node.name?.text : heir;
    ts.forEachChild(node, (child) => visit(child, within));
  };
  visit(file);
  return made;
}

it('every code that is thrown anywhere is in the table of problems', () => {
  const files = ['apps', 'libs'].flatMap((folder) => sources(join(workspace, folder)));
  const made = files.flatMap((file) => {
    const syntax = parsed(file);
    return syntax === undefined ? [] : errorsOf(syntax);
  });
  expect(made.length).toBeGreaterThan(40);
  const bad = made.flatMap(({ where, code }) => {
    if (code === undefined || !ts.isStringLiteral(code)) return [`${where} must name its code as a literal`];
    return isProblemCode(code.text) ? [] : [`${where} ${code.text}`];
  });
  expect(bad).toEqual([]);
});
