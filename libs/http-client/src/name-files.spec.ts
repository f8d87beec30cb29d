import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { candidatesOf, hostsIn, searchRulesIn, WatchedFile } from './name-files';

it('reads a hosts file', () => {
  const text =
    '# comment\n127.0.0.1\tlocalhost\n10.0.0.5  CRM.example. crm # the CRM\n\n::1 localhost ip6\nnonsense crm\n';
  expect(Object.fromEntries(hostsIn(text))).toEqual({
    localhost: ['127.0.0.1', '::1'],
    'crm.example': ['10.0.0.5'],
    crm: ['10.0.0.5'],
    ip6: ['::1'],
  });
});

it.each([
  ['', { domains: [], ndots: 1 }],
  [
    'nameserver 10.0.0.1\nsearch a.example. b.example\noptions timeout:1 ndots:5',
    { domains: ['a.example', 'b.example'], ndots: 5 },
  ],
  ['search a.example\ndomain b.example # last', { domains: ['b.example'], ndots: 1 }],
  ['; search a.example\noptions ndots:99\noptions rotate', { domains: [], ndots: 15 }],
  ['search 1 2 3 4 5 6 7 8', { domains: ['1', '2', '3', '4', '5', '6'], ndots: 1 }],
])('reads the search list of %j', (text, expected) => expect(searchRulesIn(text)).toEqual(expected));

it.each([
  ['crm', 1, ['crm.a.example', 'crm.b.example', 'crm']],
  ['crm.prod', 1, ['crm.prod', 'crm.prod.a.example', 'crm.prod.b.example']],
  ['crm.prod', 5, ['crm.prod.a.example', 'crm.prod.b.example', 'crm.prod']],
  ['crm.', 5, ['crm']],
])('completes %s with ndots:%d', (name, ndots, expected) => {
  expect(candidatesOf(name, { domains: ['a.example', 'b.example'], ndots })).toEqual(expected);
});

it('checks a file again after a second, and treats a deleted one as empty', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pns-files-'));
  const path = join(folder, 'hosts');
  const file = new WatchedFile(path, hostsIn);
  expect(file.current(0).size).toBe(0);
  writeFileSync(path, '10.0.0.1 crm');
  expect(file.current(999).size).toBe(0);
  expect(file.current(1000).get('crm')).toEqual(['10.0.0.1']);
  const same = file.current(2000);
  expect(file.current(3000)).toBe(same);
  rmSync(folder, { recursive: true });
  expect(file.current(4000).size).toBe(0);
});
