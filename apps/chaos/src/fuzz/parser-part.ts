import { setImmediate as nextTurn } from 'node:timers/promises';
import { isTagExpression, parseTagExpression, printTagExpression } from '@pns/config-cascade';
import { fileText, parseProperties, yamlEntries } from '@pns/config-folder';
import { decodeNotification } from '@pns/notifications';
import { navigateFault, pushContent, templateFault } from '@pns/payloads';
import { retryAfterMs } from '@pns/transport-contract';
import fc from 'fast-check';
import type { Finding, FuzzPart } from './fuzz-part';
import { broken, bytesOf, hostileJson, hostileText, nearlyValid } from './hostile-values';
import { outcomeFault, providerAnswers, type ProviderAnswer } from './provider-answers';

/** A text for a parser, or an answer of a provider. */
export type ParserInput =
  | { readonly kind: 'properties' | 'yaml' | 'tags' | 'notification' | 'retry-after'; readonly text: string }
  | {
      readonly kind: 'template';
      readonly text: string;
      readonly payload: Record<string, unknown>;
      readonly count: number;
    }
  | { readonly kind: 'answer'; readonly answer: ProviderAnswer };

/** The most CPU time for one input, in ms. A YAML file of the largest size, 1 MiB (`maxFileBytes`), takes some seconds. */
function mostCpuMs(input: ParserInput): number {
  return 3000 + (input.kind === 'yaml' ? input.text.length / 50 : 0);
}

const linesOf = (line: fc.Arbitrary<string>, maxLength = 12) =>
  fc.tuple(fc.array(line, { maxLength }), fc.constantFrom('\n', '\r\n', '\r')).map(([lines, end]) => lines.join(end));

const propertyLine = fc
  .tuple(
    fc.constantFrom('com.openexchange.pns.delayDuration', 'a', '#', '!', '', '\\u00e', '\\:', '  \t'),
    fc.constantFrom('=', ' = ', ':', '', '\t', '=='),
    fc.oneof(hostileText, fc.constantFrom('5', '\\', '\\\\', '\\u12', '\\uzzzz', 'a\\')),
  )
  .map((parts) => parts.join(''));

const yamlPieces = fc.constantFrom(
  ...[
    'a',
    'b: ',
    '- ',
    '? ',
    ': ',
    '&x ',
    '*x',
    '<<: ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '|',
    '>',
    '|+9',
    '!!map ',
    '!x ',
  ],
  ...[
    '!!binary ',
    '!!float ',
    '%YAML 1.1',
    '---',
    '...',
    '#',
    '  ',
    '\t',
    '\n',
    '\n  ',
    '\n    ',
    'uri: https://a/',
    '1_0',
    '0o7',
    '.inf',
    '~',
  ],
  ...[
    '\ufeff',
    '\u2028',
    '\0',
    '\x85',
    '😀',
    '__proto__: ',
    'constructor: ',
    'a: &x [*x, *x]\n',
    'true',
    '2001-01-01',
    '12:30:45',
  ],
);

const tagPieces = fc.constantFrom(
  'a',
  'b',
  '&',
  '|',
  '!',
  '(',
  ')',
  ' ',
  'and',
  '-',
  '.',
  'é',
  '\0',
  '&&',
  '!!',
  '((',
  '))',
  '(a|b)',
);

const templatePieces = fc.constantFrom(
  ...[
    '{{',
    '}}',
    '{{a}}',
    '{{{a}}}',
    '{{&a}}',
    '{{#a}}',
    '{{/a}}',
    '{{^a}}',
    '{{.}}',
    '{{a.b}}',
    '{{>a}}',
    '{{!a}}',
    '{{=<% %>=}}',
    '<%a%>',
  ],
  ...[
    '{{#a.b}}',
    '{{/a.b}}',
    '{{count}}',
    '{{topic}}',
    '{{__proto__}}',
    '{{constructor.name}}',
    '{{a.length}}',
    ' ',
    '\n',
    'x',
    '{{#b}}',
    '{{/b}}',
  ],
);

const joined = (piece: fc.Arbitrary<string>, maxLength: number) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.array(piece, { maxLength }).map((pieces) => pieces.join('')) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.array(piece, { minLength: 1, maxLength: 3 }), fc.constantFrom(100, 700, 5000))
        .map(([pieces, times]) => pieces.join('').repeat(times)),
    },
  );

const stored = nearlyValid(
  fc.constant({
    v: 1,
    id: 'a',
    context: 1,
    user: 2,
    topic: 'a',
    payload: { b: 1 },
    priority: 'high',
    timestamp: 1,
    sourceToken: 'x',
    expiresAt: 5,
  }),
);

const text = <Kind extends ParserInput['kind']>(kind: Kind, texts: fc.Arbitrary<string>) =>
  texts.map((each) => ({ kind, text: each }));

const inputs: fc.Arbitrary<ParserInput> = fc.oneof(
  fc.oneof(
    text('properties' as const, linesOf(propertyLine).map(bytesOf)),
    text('properties' as const, broken(linesOf(propertyLine).map(bytesOf))),
  ),
  text('yaml' as const, fc.oneof(joined(yamlPieces, 40).map(bytesOf), broken(joined(yamlPieces, 40).map(bytesOf)))),
  text('tags' as const, fc.oneof(joined(tagPieces, 30), hostileText)),
  text('notification' as const, fc.oneof(stored, hostileJson, hostileText)),
  text('retry-after' as const, hostileText),
  fc.record({
    kind: fc.constant('template' as const),
    text: fc.oneof(joined(templatePieces, 30), hostileText),
    payload: fc.dictionary(
      fc.constantFrom('a', 'b', 'subject', 'email', 'folder', 'unread', '__proto__', 'count'),
      fc.oneof(fc.jsonValue({ maxDepth: 3 }), hostileText),
    ),
    count: fc.constantFrom(1, 3, 2 ** 31),
  }),
  { weight: 4, arbitrary: providerAnswers.map((answer) => ({ kind: 'answer' as const, answer })) },
);

/** Files, expressions, templates, stored notifications and answers of providers, read in this process. */
export class ParserPart implements FuzzPart<ParserInput> {
  readonly name = 'parsers';
  readonly weight = 15;
  readonly inputs = inputs;

  async tryAll(some: readonly ParserInput[]): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const input of some) {
      const fault = faultWithTime(input);
      if (fault !== undefined) findings.push({ part: this.name, fault, input });
      await nextTurn(); // so that this process handles the end of connections that were idle meanwhile
    }
    return findings;
  }
}

function faultWithTime(input: ParserInput): string | undefined {
  const before = process.cpuUsage();
  const fault = faultOf(input);
  const { user } = process.cpuUsage(before);
  return fault ?? (user / 1000 > mostCpuMs(input) ? `It took ${Math.round(user / 1000)} ms.` : undefined);
}

function faultOf(input: ParserInput): string | undefined {
  try {
    return brokenRule(input);
  } catch (error) {
    return `It throws ${(error as Error).stack?.split('\n').slice(0, 3).join(' ') ?? String(error)}`;
  }
}

function brokenRule(input: ParserInput): string | undefined {
  switch (input.kind) {
    case 'answer':
      return outcomeFault(input.answer);
    case 'properties':
      return readable(input.text, (lines) => parseProperties(lines));
    case 'yaml':
      return readable(input.text, (_lines, content) => yamlEntries(content));
    case 'tags':
      return tagsFault(input.text);
    case 'template':
      return templateRule(input);
    case 'notification':
      return notificationFault(input.text);
    case 'retry-after': {
      const waitMs = retryAfterMs(input.text, Date.now());
      return waitMs === undefined || (waitMs >= 0 && Number.isFinite(waitMs)) ? undefined : `The wait is ${waitMs}.`;
    }
  }
}

type Content = Exclude<ReturnType<typeof fileText>, { readonly fault: string }>;

/** Reads a file. Returns a sentence about its first fault whose line does not exist or whose reason is empty. */
function readable(
  bytes: string,
  read: (
    lines: readonly string[],
    content: Content,
  ) => { readonly faults: readonly { readonly line?: number; readonly reason: string }[] },
): string | undefined {
  const content = fileText(Buffer.from(bytes, 'latin1'));
  if ('fault' in content) return undefined;
  const { faults } = read(content.lines, content);
  const odd = faults.find(({ line = 1, reason }) => line < 1 || line > content.lines.length + 1 || !/\S/.test(reason));
  return odd === undefined ? undefined : `A fault has the line ${odd.line} and the reason "${odd.reason}".`;
}

/** Returns a sentence if a valid expression changes when it is printed and parsed again. */
function tagsFault(expression: string): string | undefined {
  if (!isTagExpression(expression)) return undefined;
  const parsed = parseTagExpression(expression);
  const again = parseTagExpression(printTagExpression(parsed));
  return JSON.stringify(again) === JSON.stringify(parsed) ? undefined : 'The printed expression is another one.';
}

/** Returns a sentence if a template is neither refused with a reason nor rendered within the limits of a push. */
function templateRule({ text: template, payload, count }: ParserInput & { kind: 'template' }): string | undefined {
  const fault = templateFault(template);
  if (fault !== undefined) return /\S/.test(fault) && fault.length <= 300 ? undefined : 'The reason is empty or long.';
  const navigate = `https://a.example/${template}`;
  const style = {
    title: template,
    body: template,
    hasBadge: true,
    ...(navigateFault(navigate) === undefined && { navigate }),
  };
  const content = pushContent({ topic: 'a', payload, count }, style);
  if ('kind' in content) return undefined;
  const { title = '', body = '', navigate: url } = content;
  if (Buffer.byteLength(title) > 8192 || Buffer.byteLength(body) > 8192) return 'A text is too long.';
  return url === undefined || url.startsWith('https://a.example/')
    ? undefined
    : 'A payload changed the host of the URL.';
}

/** Returns a sentence if reading a stored notification throws a TypeError. Other errors are refusals, which are allowed. */
function notificationFault(json: string): string | undefined {
  try {
    decodeNotification(json);
    return undefined;
  } catch (error) {
    return error instanceof TypeError ? 'It is refused with a TypeError.' : undefined;
  }
}
