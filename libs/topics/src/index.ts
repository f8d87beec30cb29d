export { isTopic, maxTopicLength } from './topic';
export { isTopicPattern, matchingPattern, patternsMatching } from './topic-pattern';
