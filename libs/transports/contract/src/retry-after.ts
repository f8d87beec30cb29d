/** The longest wait that we accept from a provider or an endpoint, in ms, because longer waits could make deliveries expire. */
export const maxRetryAfterMs = 86_400_000;

/**
 * The wait in ms that a `Retry-After` header requests at `now` (ms since the epoch). Source: RFC 9110, 10.2.3: seconds,
 * or an HTTP date in one of its three forms. Other values are ignored.
 */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : httpDate(text) - now;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), maxRetryAfterMs);
}

/** Ms since the epoch; NaN if the text is not a date. The oldest of the three forms is in GMT, although it does not contain a zone. */
function httpDate(text: string): number {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(text)) return NaN;
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
}
