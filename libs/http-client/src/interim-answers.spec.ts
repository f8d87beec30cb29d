import fc from 'fast-check';
import { InterimAnswers } from './interim-answers';

function rewritten(chunks: readonly string[]): string {
  const answers = new InterimAnswers();
  return chunks
    .map((chunk) => {
      const bytes = Buffer.from(chunk, 'latin1');
      answers.rewrite(bytes);
      return bytes.toString('latin1');
    })
    .join('');
}

it.each([
  ['a 100', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 102 Continue\r\n\r\n'],
  ['a 100 with headers', 'HTTP/1.1 100 \r\nx: 100\r\n\r\n', 'HTTP/1.1 102 \r\nx: 100\r\n\r\n'],
  ['two', 'HTTP/1.1 100\r\n\r\nHTTP/1.1 100\r\n\r\n', 'HTTP/1.1 102\r\n\r\nHTTP/1.1 102\r\n\r\n'],
  ['one behind a 103', 'HTTP/1.1 103 E\r\n\r\nHTTP/1.1 100 C\r\n\r\n', 'HTTP/1.1 103 E\r\n\r\nHTTP/1.1 102 C\r\n\r\n'],
  ['one behind bare line ends', '\r\nHTTP/1.1 103 E\n\nHTTP/1.1 100\n\n', '\r\nHTTP/1.1 103 E\n\nHTTP/1.1 102\n\n'],
])('rewrites %s', (_, text, expected) => expect(rewritten([text])).toBe(expected));

it.each([
  ['an answer that speaks of one', 'HTTP/1.1 200 OK\r\nx: HTTP/1.1 100\r\n\r\n\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'],
  ['other interim answers', 'HTTP/1.1 101 S\r\n\r\nHTTP/1.1 110 R\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 201 C\r\n\r\n'],
  ['what is not HTTP', '220 smtp ready\r\n\r\n'],
])('leaves %s alone', (_, text) => expect(rewritten([text])).toBe(text));

const head = (status: number) => `HTTP/1.1 ${status} Any\r\nx: HTTP/1.1 100\r\n\r\n`;
const body = '\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n';

it('is the same however the bytes are split', () => {
  const interim = fc.array(fc.constantFrom(100, 102, 103), { maxLength: 5 });
  const final = fc.constantFrom(200, 204, 404, 500);
  fc.assert(
    fc.property(interim, final, fc.array(fc.nat(400), { maxLength: 30 }), (interims, status, cuts) => {
      const text = [...interims, status].map(head).join('') + body;
      const bounds = [0, ...[...cuts].sort((a, b) => a - b), text.length];
      const chunks = bounds.map((bound, at) => text.slice(bound, bounds[at + 1] ?? text.length));
      const expected = [...interims.map((each) => (each === 100 ? 102 : each)), status].map(head).join('') + body;
      expect(rewritten(chunks)).toBe(expected);
    }),
  );
});
