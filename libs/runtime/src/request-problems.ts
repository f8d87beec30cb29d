/** Problems of requests that reach no route. The API adds them to its own kinds. */
export const requestProblemKinds = {
  REQUEST_MALFORMED: { status: 400, title: 'The request cannot be read' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request was not complete in time' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The headers are too large' },
} as const;

type RequestProblemCode = keyof typeof requestProblemKinds;

export const problemType = 'application/problem+json';

/** The problem (RFC 9457) for a request that reaches no route. `detail` is a sentence. */
export function requestProblem(code: RequestProblemCode, detail: string): string {
  const type = `urn:pns:problem:${code.toLowerCase().replaceAll('_', '-')}`;
  const { title, status } = requestProblemKinds[code];
  return JSON.stringify({ type, title, status, detail, code });
}
