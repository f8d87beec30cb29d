import fc from 'fast-check';

/** Texts that parsers, databases and loggers may read wrongly. */
const oddTexts = [
  ...['', ' ', '\0', 'a\0b', '\ud800', '\ude00a', '\ufffe\uffff', '\ufeff', '\u202e', '\u2028', 'é', 'e\u0301', '😀'],
  ...['__proto__', 'constructor', 'toString', 'then', 'length', 'null', 'NaN', '-1', '0', '1e9', '0x1', '2147483648'],
  ...['../../x', '%00', '%2e%2e', "'--", '{{a}}', '${1}', '\r\nX: 1', '*', ':', '@', 'a,b', '[', '{', '"', '\\'],
  ...['9007199254740993', '99999999999999999999', 'ox:mail:*', 'ox::', 'javascript:x', '//a', 'https://a@b:99999/'],
];

/** Any text: short, odd or long. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...oddTexts) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...oddTexts, 'x', 'a:', '%41'), fc.constantFrom(100, 300, 5000)).map(repeated),
  },
);

function repeated([text, length]: [string, number]): string {
  return text.repeat(Math.ceil(length / Math.max(text.length, 1))).slice(0, length);
}

const oddJson = [
  ...['null', 'true', '0', '-1', '-0', '1.5', '1e400', '1e-400', '1e308', '2147483648', '9007199254740993', '""'],
  ...['[]', '[[]]', '[null]', '{}', '{"__proto__":{"a":1}}', '{"constructor":{"prototype":1}}', '{"toString":1}'],
  ...['"\\ud800"', '"\\u0000"', '["__proto__"]', '{"a":1,"a":2}', '{"length":-1}', '{"then":1}', '{"toJSON":{}}'],
  `${'['.repeat(70)}${']'.repeat(70)}`,
  `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`,
  `[${'1,'.repeat(1200)}1]`,
  `[${'"a",'.repeat(1200)}"a"]`,
  `{${Array.from({ length: 400 }, (_, index) => `"${index.toString(36)}":"\\u0000"`).join(',')}}`,
];

/** JSON of a value that most fields of a body refuse. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...oddJson) },
  { weight: 3, arbitrary: hostileText.map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: fc.json({ maxDepth: 3 }) },
);

/** Stands for a hostile value in a body until the body has been serialized. */
const mark = '\u0001mark';

/** JSON of `body` in which one value is replaced, removed or added. */
export function nearlyValid(body: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const change = fc.constantFrom('replace', 'replace', 'remove', 'add');
  return fc
    .tuple(body, fc.nat(), change, hostileJson, hostileText)
    .map(([value, at, kind, json, name]) => changed(value, at, kind, json, name));
}

function changed(value: unknown, at: number, kind: string, json: string, name: string): string {
  const root: Record<string, unknown> = { value: JSON.parse(JSON.stringify(value ?? null)) };
  const places: [container: Record<string, unknown>, key: string][] = [];
  const visit = (container: object): void => {
    for (const key of Object.keys(container)) {
      places.push([container as Record<string, unknown>, key]);
      const inner = (container as Record<string, unknown>)[key];
      if (typeof inner === 'object' && inner !== null) visit(inner);
    }
  };
  visit(root);
  const [container, key] = places[at % places.length] ?? [root, 'value'];
  const target = container[key];
  if (kind === 'remove' && container !== root) {
    if (Array.isArray(container)) container.splice(Number(key), 1);
    else delete container[key];
  } else if (kind === 'add' && typeof target === 'object' && target !== null) {
    if (Array.isArray(target)) target.push(mark);
    else Object.defineProperty(target, name, { value: mark, enumerable: true, configurable: true, writable: true });
  } else container[key] = mark;
  return JSON.stringify(root['value']).replace(JSON.stringify(mark), () => json);
}

/** The UTF-8 bytes of a text, as a Latin-1 text with one character for each byte. */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Bytes with a fault, as Latin-1 text: cut off, with a changed or additional byte, or with a part twice. */
export function broken(bytes: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const byte = fc.oneof(fc.constantFrom(0, 10, 13, 34, 92, 123, 125, 0xff, 0xc0, 0xed), fc.nat(255));
  return fc
    .tuple(bytes, fc.nat(), byte, fc.constantFrom('cut', 'byte', 'twice', 'insert'))
    .map(([text, at, odd, kind]) => {
      const place = at % (text.length + 1);
      const character = String.fromCharCode(odd);
      switch (kind) {
        case 'cut':
          return text.slice(0, place);
        case 'byte':
          return text.slice(0, place) + character + text.slice(place + 1);
        case 'insert':
          return text.slice(0, place) + character + text.slice(place);
        default:
          return text + text.slice(place);
      }
    });
}
