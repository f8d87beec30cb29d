/** Longest topic or pattern, in characters; the column that stores them has the same bound. */
export const maxTopicLength = 255;

const topicSyntax = /^[A-Za-z0-9_-]+(?::[A-Za-z0-9_-]+)*$/;

/** Whether `value` names what happened: `[A-Za-z0-9_-]+` tokens joined by single colons, such as `ox:mail:new`. */
export function isTopic(value: string): boolean {
  return value.length <= maxTopicLength && topicSyntax.test(value);
}
