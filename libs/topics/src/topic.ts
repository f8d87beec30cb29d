/** Longest topic or pattern, in characters; the column that stores them has the same limit. */
export const maxTopicLength = 255;

const topicSyntax = /^[A-Za-z0-9_-]+(?::[A-Za-z0-9_-]+)*$/;

/** Whether `value` is a topic: tokens of `[A-Za-z0-9_-]+`, joined by single colons, for example `ox:mail:new`. */
export function isTopic(value: string): boolean {
  return value.length <= maxTopicLength && topicSyntax.test(value);
}
