import { styleText } from 'node:util';
import { oneLine, Output } from './output';

const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).filter((each) =>
  /\p{Cc}/u.test(each),
);

it('replaces each control character of a name', () => {
  expect(controls).toHaveLength(65);
  for (const control of controls) expect(oneLine(`a${control}[8mb`)).toBe('a [8mb');
});

it('writes JSON without raw control characters', () => {
  let text = '';
  new Output(true, { write: (part) => (text += part) }).show(controls, () => undefined);
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(JSON.parse(text)).toEqual(controls);
});

it('keeps the colours of the command', () => {
  let text = '';
  const coloured = styleText('red', 'wrong', { validateStream: false });
  new Output(false, { write: (part) => (text += part) }).line(coloured);
  expect(text).toBe(`${coloured}\n`);
});
