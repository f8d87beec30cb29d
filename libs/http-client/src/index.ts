export { Http2Pool, type Http2Request } from './http2-pool';
export type { Http2Answer, Http2Peer, Http2Times } from './http2-connection';
export { codeOf, type NoAnswer, NoAnswerError } from './no-answer';
export { ClientSender, PerClient } from './per-client';
export { type Grant, TokenCache } from './token-cache';
export { postForm, type FormAnswer } from './token-form';
export { trustBeside } from './trust';
