import { maxRetryAfterMs, retryAfterMs } from './retry-after';

const now = Date.UTC(2026, 0, 5, 12, 0, 0);

it.each([
  ['0', 0],
  ['120', 120_000],
  [' 120 ', 120_000],
  ['Mon, 05 Jan 2026 12:00:30 GMT', 30_000],
  ['Monday, 05-Jan-26 12:00:30 GMT', 30_000],
  ['Mon Jan  5 12:00:30 2026', 30_000],
  ['Mon, 05 Jan 2026 11:00:00 GMT', 0],
  ['99999999', maxRetryAfterMs],
  ['9'.repeat(400), maxRetryAfterMs],
  ['Mon, 05 Jan 2099 12:00:00 GMT', maxRetryAfterMs],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['2026-01-05T12:00:30Z', undefined],
  ['Mon, nonsense GMT', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %j is %s ms', (value, afterMs) => expect(retryAfterMs(value, now)).toBe(afterMs));
