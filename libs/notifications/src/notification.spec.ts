import { decodeNotification } from './notification';

it.each(['null', '1', '"v"', '[]', '{}', '{"v":null}', '{"v":2}', '{"v":{"toString":1}}'])(
  'refuses %s with its format',
  (text) => {
    expect(() => decodeNotification(text)).toThrow(/^A stored notification has format .*; this version reads 1\.$/);
  },
);
