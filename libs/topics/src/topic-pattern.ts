import { isTopic, maxTopicLength } from './topic';

/** Whether `value` is a topic, `*` (every topic), or a topic prefix with a trailing `:*`. */
export function isTopicPattern(value: string): boolean {
  if (value === '*') return true;
  return isTopic(value.endsWith(':*') ? value.slice(0, -2) : value) && value.length <= maxTopicLength;
}

/**
 * Every pattern that matches `topic`: the topic itself, then its prefixes from long to short, then `*`. Matching needs a few
 * exact lookups of these patterns, so its time depends on the depth of the topic and not on the number of patterns.
 */
export function patternsMatching(topic: string): string[] {
  const patterns = [topic];
  for (let colon = topic.lastIndexOf(':'); colon > 0; colon = topic.lastIndexOf(':', colon - 1)) {
    patterns.push(`${topic.slice(0, colon)}:*`);
  }
  patterns.push('*');
  return patterns;
}

/** The most specific of `patterns` that matches `topic`, or undefined when none does. */
export function matchingPattern(topic: string, patterns: ReadonlySet<string> | readonly string[]): string | undefined {
  const has = 'has' in patterns ? (p: string) => patterns.has(p) : (p: string) => patterns.includes(p);
  return patternsMatching(topic).find(has);
}
