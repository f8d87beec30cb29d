import type { TestRequest } from '../../testing/test-api';

/** A refused request and its answer. The request's `key` may be `ingest`, `client` or `admin`: an API key with this scope. */
export type BadRequest = readonly [
  name: string,
  method: string,
  path: string,
  request: TestRequest,
  status: number,
  code: string,
  /** A part of the sentence in the answer. */
  fragment: string,
];

type AtOnePath = readonly [name: string, request: TestRequest, status: number, code: string, fragment: string];

/** Bad requests with the same method and path. */
export function at(method: string, path: string, requests: readonly AtOnePath[]): BadRequest[] {
  return requests.map(([name, ...rest]) => [name, method, path, ...rest]);
}

/** A UUID that identifies nothing. */
export const someId = '4fd7cb5c-6a2e-4a0e-8d5a-1c1f6a3a9f10';

export const ingest = '/v1/notifications';
export const notify = '/preliminary/http-notify/v1/notify';

export const mail = { context: 1, user: 14, topic: 'ox:mail:new', payload: { folder: 'default0/INBOX' } };
export const dovecot = { user: '4@1', event: 'messageNew', folder: 'INBOX', 'imap-uid': 5 };

/** A request whose body is the mail with `changes`, which make it invalid. */
export function post(changes: object): TestRequest {
  return { body: { ...mail, ...changes } };
}

/** A request with the API key `key`, whose body is the mail. */
export function postBy(key: string): TestRequest {
  return { body: mail, key };
}
