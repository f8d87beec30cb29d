import { randomUUID } from 'node:crypto';
import { isDatabaseAway } from '@pns/persistence';
import { redisFullSentence } from '@pns/redis';
import { PnsError, type PnsErrorCode } from '@pns/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { logUnexpected, statusOf } from '../http/problem.filter';
import { isRedisAway } from '../http/redis-away';

/** The error categories of Open-Xchange, with their numbers in its answers. */
const categories = { USER_INPUT: 1, PERMISSION_DENIED: 3, TRY_AGAIN: 4, ERROR: 8 } as const;

type Category = keyof typeof categories;

/** Every code of the client API, with the original's meaning. */
export const oxErrorKinds = {
  'SVL-0002': 'ERROR', // a field is missing
  'SVL-0009': 'ERROR', // the body is not JSON, or does not have the expected format
  'SVL-0021': 'ERROR', // the action is unknown
  'SVL-0023': 'ERROR', // the body is missing
  'SES-0201': 'ERROR', // the session is missing
  'SES-0203': 'TRY_AGAIN', // the session has ended
  'PNS-0001': 'ERROR', // unexpected
  'PNS-0002': 'ERROR', // I/O: Redis or an identity provider is not reachable
  'PNS-0003': 'ERROR', // SQL
  'PNS-0005': 'ERROR', // no such transport
  'PNS-0006': 'ERROR', // the transport has no subscriptions
  'PNS-0007': 'USER_INPUT', // a topic is not valid
  'PNS-0012': 'PERMISSION_DENIED', // the subscription is denied
  'PNS-0013': 'PERMISSION_DENIED', // the user has reached the limit of subscriptions
} as const satisfies Readonly<Record<string, Category>>;

export type OxErrorCode = keyof typeof oxErrorKinds;

/** An error that ends a request of the client API. Its message becomes the `error` of the answer. */
export class OxError extends Error {
  constructor(
    readonly oxCode: OxErrorCode,
    sentence: string,
    /** The values in the sentence, for programs that show their own text. */
    readonly params: readonly string[] = [],
  ) {
    super(sentence);
    this.name = 'OxError';
  }
}

const codesOfProblems: Readonly<Partial<Record<PnsErrorCode, OxErrorCode>>> = {
  BODY_MALFORMED: 'SVL-0009',
  BODY_INVALID: 'SVL-0009',
  BODY_TOO_LARGE: 'SVL-0009',
  ENCODING_UNSUPPORTED: 'SVL-0009',
  MEDIA_TYPE_UNSUPPORTED: 'SVL-0009',
  SESSION_MISSING: 'SES-0201',
  SESSION_INVALID: 'SES-0203',
  SESSION_ENDED: 'SES-0203',
  SESSION_KEYS_UNREACHABLE: 'PNS-0002',
  WEBHOOK_UNKNOWN: 'PNS-0012',
  WEBHOOK_REFUSED: 'PNS-0012',
  WEBHOOK_NOT_ENABLED: 'PNS-0012',
  WEBHOOK_URI_REFUSED: 'PNS-0012',
  WEBHOOK_EXPIRY_REFUSED: 'PNS-0012',
  TOKEN_INVALID: 'PNS-0012',
  TOKEN_TAKEN: 'PNS-0012',
  SUBSCRIPTION_LIMIT: 'PNS-0013',
};

/** Maps `error` to a code of the original. The message of an unexpected error is not sent. */
export function oxErrorOf(error: unknown): OxError {
  if (error instanceof OxError) return error;
  const fullSentence = redisFullSentence(error);
  if (fullSentence !== undefined) return new OxError('PNS-0002', fullSentence);
  if (isRedisAway(error)) return new OxError('PNS-0002', 'Redis is not reachable; retry in a moment.');
  if (isDatabaseAway(error)) return new OxError('PNS-0003', 'Postgres is not reachable; retry in a moment.');
  const code = error instanceof PnsError ? codesOfProblems[error.code] : undefined;
  if (code !== undefined) return new OxError(code, (error as PnsError).message);
  const status = statusOf(error) ?? 500;
  if (status === 413) return new OxError('SVL-0009', 'The body is too large.');
  if (status < 500) return new OxError('SVL-0009', 'The request cannot be read; check its URL, headers and body.');
  return new OxError('PNS-0001', 'The request could not be completed. The log of the server contains the reason.');
}

/** Answers with status 200, like the original, because its clients read the code in the body. */
export function answerOxError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const oxError = oxErrorOf(error);
  if (oxError.oxCode === 'PNS-0001' && error !== oxError) logUnexpected(error, request);
  const category = oxErrorKinds[oxError.oxCode];
  const body = {
    error: oxError.message,
    error_params: oxError.params,
    categories: category,
    category: categories[category],
    code: oxError.oxCode,
    error_id: randomUUID(),
    error_desc: oxError.message,
  };
  void reply.code(200).type('application/json; charset=UTF-8').send(JSON.stringify(body));
}
