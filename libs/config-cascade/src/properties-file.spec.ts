import { parseProperties } from './properties-file';

const enabled = 'com.openexchange.pns.transport.websocket.enabled';

describe('parseProperties', () => {
  it.each([
    [`${enabled}.open-xchange-appsuite.ox:mail:new=true`, `${enabled}.open-xchange-appsuite.ox:mail:new`, 'true'],
    [`${enabled}.open-xchange-appsuite.ox\\:mail\\:new=true`, `${enabled}.open-xchange-appsuite.ox:mail:new`, 'true'],
    ['a = https://host:1/x=y', 'a', 'https://host:1/x=y'],
    ['  # comment\n! another\nb=1', 'b', '1'],
    ['c=one,\\\n   two', 'c', 'one,two'],
    ['d=caf\\u00e9', 'd', 'café'],
    ['e=', 'e', ''],
    ['f=1\nf=2', 'f', '2'],
    [`g=${'\\'.repeat(200_000)}`, 'g', '\\'.repeat(100_000)],
  ])('%j', (text, key, value) => {
    expect(parseProperties(text).get(key)).toBe(value);
  });
});
