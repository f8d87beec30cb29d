import { parsedUrl } from './parsed-url';

it('parses non-ASCII names after any number of calls', () => {
  const uri = 'https://b\u00fccher.example/';
  for (let n = 0; n < 200_000; n++) parsedUrl(`https://push.example.com/${n % 9}`);
  expect(parsedUrl(uri)?.host).toBe('xn--bcher-kva.example');
});

it.each(['', 'abc', 'http://', 'https://[::1'])('does not read %j', (text) => expect(parsedUrl(text)).toBeUndefined());
