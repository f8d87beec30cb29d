import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './openapi';

/** The client for all operations of the API: `client.GET('/v1/usage', { params: { query: { from } } })`. */
export type PnsClient = Client<paths>;

/** The body of an answer that reports an error, RFC 9457. */
export type Problem = components['schemas']['Problem'];

/** The API refused a request, or is unavailable. `problem.code` is stable; see the table of errors in the API's documentation. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly problem: Problem,
    /** Seconds to wait before the same request is sent again, if the answer has `Retry-After`. */
    readonly retryAfterSeconds?: number,
  ) {
    super(problem.detail ?? problem.title);
  }
}

/** Creates a client for the API at `url`, which sends `key`, an API key or a session token, with each request. */
export function pnsClient({ url, key }: { readonly url: string; readonly key: string }): PnsClient {
  return createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${key}` } });
}

interface Answered<Body> {
  readonly data?: Body;
  readonly error?: unknown;
  readonly response: Response;
}

/**
 * Resolves with the body of a successful answer.
 *
 * @throws ProblemError for any other answer
 */
export async function answerOf<Body>(call: Promise<Answered<Body>>): Promise<Body> {
  const { data, error, response } = await call;
  // An answer with 204 has no body.
  if (response.ok) return data as Body;
  const retryAfter = Number(response.headers.get('retry-after') ?? NaN);
  throw new ProblemError(problemIn(error, response), Number.isNaN(retryAfter) ? undefined : retryAfter);
}

/** The problem in an answer, or a substitute if a proxy has answered with a body that is not an RFC 9457 problem. */
function problemIn(error: unknown, { status, statusText }: Response): Problem {
  const isProblem = typeof error === 'object' && error !== null && 'code' in error;
  if (isProblem) return error as Problem;
  return { type: 'about:blank', title: statusText || `HTTP ${status}`, status, code: 'UNKNOWN' } as Problem;
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string | null | undefined;
}

/** Yields the items of all pages of a list. `page` requests the page that starts at `cursor`. */
export async function* pages<Item>(
  page: (cursor?: string) => Promise<Answered<Page<Item>>>,
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await answerOf(page(cursor));
    yield* items;
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
}
