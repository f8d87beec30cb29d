import fc from 'fast-check';
import { JsonScan } from './json-scan';
import { textOf, written, writtenObject } from './testing/json-texts';

it('finds the values of a list in any spelling of the text, with any interruption', () => {
  const blanks = fc.constantFrom('', ' ', '\n\t ');
  const outer = fc.array(fc.tuple(fc.constantFrom('a', 'lists', '"', 'xlist'), written), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(written, { maxLength: 5 }), outer, blanks, fc.nat(20), (items, others, blank, step) => {
      const texts = items.map((item) => textOf(item, blank));
      const members = [
        ...others.map(([name, value]) => `${JSON.stringify(name)}:${textOf(value, blank)}`),
        `"list"${blank}:${blank}[${blank}${texts.join(`${blank},${blank}`)}${blank}]`,
        '"after":[1,[2]]',
      ];
      const bytes = Buffer.from(`${blank}{${members.join(',')}}`);
      const scan = new JsonScan(bytes, 'list', 100);
      for (let until = 0; !scan.isDone; until += step + 1) scan.run(until);
      expect(scan.hasList).toBe(true);
      expect(scan.spans.map(({ start, end }) => bytes.toString('utf8', start, end))).toEqual(texts);
      expect(scan.spanCount).toBe(items.length);
    }),
    { numRuns: 2000 },
  );
});

it('measures the compact size as JSON.stringify writes it', () => {
  fc.assert(
    fc.property(writtenObject, fc.constantFrom('', ' \r\n'), (value, blank) => {
      const compact = Buffer.from(textOf(value));
      const scan = new JsonScan(Buffer.from(textOf(value, blank))).run();
      expect(scan.compactBytes).toBe(new JsonScan(compact).run().compactBytes);
      expect(scan.compactBytes).toBeLessThanOrEqual(compact.length);
    }),
  );
});

it.each([
  ['1', 0, 0],
  ['{"a":{"b":[1,{"c":2}]},"d":"{\\"e\\":[[["}', 4, 4],
  ['[[],[[]]]', 0, 3],
])('counts members and levels of %s', (text, members, depth) => {
  expect(new JsonScan(Buffer.from(text)).run()).toMatchObject({ members, depth });
});

it('counts values beyond the limit of spans', () => {
  const scan = new JsonScan(Buffer.from('{"list":[1,2,3,4]}'), 'list', 2).run();
  expect(scan).toMatchObject({ spanCount: 4, spans: [{ start: 9 }, { start: 11 }] });
});
