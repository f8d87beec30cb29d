import fc from 'fast-check';
import { isTopic } from './topic';
import { isTopicPattern, matchingPattern, patternsMatching } from './topic-pattern';

const token = fc.stringMatching(/^[a-z0-9_-]{1,3}$/);
const topic = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join(':'));
const pattern = fc.oneof(
  fc.constant('*'),
  topic,
  topic.map((prefix) => `${prefix}:*`),
);

/** A simple and slow implementation of the rule for matching. */
function naivelyMatches(name: string, candidate: string): boolean {
  if (candidate === '*' || candidate === name) return true;
  return candidate.endsWith(':*') && name.startsWith(candidate.slice(0, -1));
}

describe('topic patterns', () => {
  it.each([
    ['ox:mail:*', 'ox:mail:new', true],
    ['ox:mail:*', 'ox:mail:a:b', true],
    ['ox:mail:*', 'ox:mail', false],
    ['ox:mail:*', 'ox:mailbox:x', false],
    ['ox:ma_l:*', 'ox:mail:new', false],
    ['*', 'anything', true],
    ['ox:mail:new', 'ox:mail:new', true],
    ['ox:mail:new', 'OX:mail:new', false],
  ])('%s against %s is %s', (candidate, name, expected) => {
    expect(matchingPattern(name, [candidate]) !== undefined).toBe(expected);
  });

  it('agrees with the simple implementation of the rule', () => {
    fc.assert(
      fc.property(topic, fc.array(pattern, { maxLength: 8 }), (name, patterns) => {
        expect(matchingPattern(name, new Set(patterns)) !== undefined).toBe(
          patterns.some((candidate) => naivelyMatches(name, candidate)),
        );
      }),
    );
  });

  it('lists the patterns of a topic from the most to the least specific', () => {
    expect(patternsMatching('ox:mail:new')).toEqual(['ox:mail:new', 'ox:mail:*', 'ox:*', '*']);
  });

  it.each(['', ':', 'ox:', ':ox', 'ox::mail', 'ox.mail', 'ox mail', 'ox:mäil', '*', 'ox:*', `a${'b'.repeat(255)}`])(
    'refuses %j as a topic',
    (name) => expect(isTopic(name)).toBe(false),
  );

  it.each(['', 'ox*', 'ox:*:new', '*:new', ':*', '**', 'ox:**', 'ox:mail*', 'ox: *', `${'a'.repeat(254)}:*`])(
    'refuses %j as a pattern',
    (candidate) => expect(isTopicPattern(candidate)).toBe(false),
  );
});
