import { parsedUrl } from './parsed-url';

it('reads names of other letters however often it was asked before', () => {
  const uri = 'https://b\u00fccher.example/';
  for (let n = 0; n < 200_000; n++) parsedUrl(`https://push.example.com/${n % 9}`);
  expect(parsedUrl(uri)?.host).toBe('xn--bcher-kva.example');
});

it.each(['', 'abc', 'http://', 'https://[::1'])('does not read %j', (text) => expect(parsedUrl(text)).toBeUndefined());
