import type { Agent } from 'undici';

/** An answer is read up to about this size. A token has a few kilobytes. */
const maxFormAnswerBytes = 64 * 1024;

/** A token endpoint's answer; `json` is empty if the body is not a JSON object. */
export interface FormAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * Posts an encoded form, which OAuth 2.0 requires for token requests. Does not retry. Rejects with the error of the connection,
 * or with a `TimeoutError` (DOMException) after `timeoutMs`.
 */
export async function postForm(agent: Agent, url: URL, body: string, timeoutMs: number): Promise<FormAnswer> {
  const answer = await agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
    signal: AbortSignal.timeout(timeoutMs),
  });
  let text = '';
  for await (const chunk of answer.body) {
    text += String(chunk);
    if (text.length > maxFormAnswerBytes) break;
  }
  const retryAfter = answer.headers['retry-after'];
  const wait = typeof retryAfter === 'string' ? retryAfter : undefined;
  return { status: answer.statusCode, retryAfter: wait, json: objectIn(text) };
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
