/** The longest wait that we accept from a provider or an endpoint, in ms. Longer waits could make deliveries expire. */
export const maxRetryAfterMs = 86_400_000;

/**
 * The wait in ms that a `Retry-After` header requests at `now` (ms since the epoch), at most `maxRetryAfterMs`; undefined for
 * other values. Source: RFC 9110, 10.2.3: seconds, or an HTTP date in one of its three forms.
 */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : httpDate(text) - now;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), maxRetryAfterMs);
}

/** An HTTP date as ms since the epoch; NaN for other text. The oldest of the three forms contains no zone and is in GMT. */
function httpDate(text: string): number {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(text)) return NaN;
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
}
