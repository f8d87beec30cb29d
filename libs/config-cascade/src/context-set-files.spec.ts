import { log } from '@pns/runtime';
import { ConfigCascade } from './config-cascade';
import { parseContextSets } from './context-set-files';
import { effectiveProperties } from './effective';

const delay = 'com.openexchange.pns.delayDuration';
const timer = 'com.openexchange.pns.timerFrequency';

describe('what a file of context sets says of a property that only the server can define', () => {
  const text = `gold:\n  withTags: '1'\n  ${timer}: 50\n  ${delay}: 20\n`;
  let warn: jest.SpyInstance;

  beforeEach(() => {
    warn = jest.spyOn(log, 'warn').mockReturnValue(undefined);
  });

  afterEach(() => warn.mockRestore());

  it('is left out, and a line in the log tells why', () => {
    const [set] = parseContextSets('contextSets/sets.yml', text);
    expect([...(set?.values ?? [])]).toEqual([[delay, '20']]);
    expect(warn.mock.calls).toEqual([
      [
        {
          event: 'config.property-ignored',
          file: 'contextSets/sets.yml',
          set: 'gold',
          property: timer,
          reason: `${timer} can only be set for: the server.`,
        },
      ],
    ]);
  });

  it('is not shown as what holds', () => {
    const cascade = new ConfigCascade();
    const sets = parseContextSets('contextSets/sets.yml', text).map((set) => ({ ...set, rank: 1 }));
    cascade.replaceFiles({ server: { name: 'server', values: new Map() }, sets });
    const effective = effectiveProperties(cascade.scopesOf({ context: 1, user: 2 }) ?? [], 'com.openexchange.pns.');
    expect(effective.filter(({ name }) => name === timer || name === delay)).toEqual([
      { name: delay, value: 20, origin: { scope: 'contextSet', id: 'gold' } },
      { name: timer, value: 500, origin: { scope: 'default' } },
    ]);
  });
});

it.each([
  ['a: [', /^sets\.yml is not YAML: /],
  ['a:\n  b: 1\n', /withTags/],
  ["a:\n  withTags: 'b &'\n", /^sets\.yml: a: /],
  [`a:\n  withTags: b\n  ${delay}: soon\n`, /delayDuration=soon: must be a whole number/],
])('%j is refused', (text, sentence) => {
  expect(() => parseContextSets('sets.yml', text)).toThrow(sentence);
});
