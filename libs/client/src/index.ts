export { answerOf, pages, pnsClient, ProblemError, type PnsClient, type Problem } from './pns-client';
export type { components, operations, paths } from './openapi';
