import { isSampled, traceContextOf } from './trace-context';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const span = '00f067aa0ba902b7';
const sampled = `00-${trace}-${span}-01`;

it.each([
  ['a sampled span', sampled, sampled],
  ['a span that is not sampled', `00-${trace}-${span}-00`, `00-${trace}-${span}-00`],
  ['other flags', `00-${trace}-${span}-ff`, sampled],
  ['a later version', `01-${trace}-${span}-01`, sampled],
  ['a later version with more fields', `cc-${trace}-${span}-01-what-follows`, sampled],
])('reads %s', (_, traceparent, expected) => {
  expect(traceContextOf(traceparent)).toEqual({ traceparent: expected });
});

it.each([
  ['no value', undefined],
  ['several values', [sampled, sampled]],
  ['a number', 1],
  ['an empty text', ''],
  ['the forbidden version', `ff-${trace}-${span}-01`],
  ['more fields than version 00 has', `${sampled}-00`],
  ['text behind a later version', `01-${trace}-${span}-01x`],
  ['upper case', `00-${trace.toUpperCase()}-${span}-01`],
  ['no trace', `00-${'0'.repeat(32)}-${span}-01`],
  ['no span', `00-${trace}-${'0'.repeat(16)}-01`],
  ['a short trace', `00-${trace.slice(1)}-${span}-01`],
  ['a line break at the end', `${sampled}\n`],
  ['blanks around it', ` ${sampled} `],
])('ignores %s', (_, traceparent) => {
  expect(traceContextOf(traceparent, 'vendor=1')).toBeUndefined();
});

it.each([
  ['entries of vendors', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
  ['no text', '', undefined],
  ['a control character', 'rojo=1\r\n', undefined],
  ['text that is too long', `a=${'b'.repeat(511)}`, undefined],
])('of tracestate with %s keeps %s', (_, tracestate, expected) => {
  expect(traceContextOf(sampled, tracestate)?.tracestate).toBe(expected);
});

it('distinguishes sampled spans from others', () => {
  expect([sampled, `00-${trace}-${span}-00`].map((traceparent) => isSampled({ traceparent }))).toEqual([true, false]);
});
