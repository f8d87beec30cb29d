import type { Finding } from './finding';

/** Tolerated difference of two clocks, in ms. A larger one makes windows and retries early or late. */
const toleratedSkewMs = 1000;

/** Compares the `time` of a server with the times of this machine before and after the request for it, in ms. */
export function clockFindings(where: string, before: number, time: number, after: number): Finding[] {
  const skewMs = Math.max(before - time, time - after, 0);
  if (skewMs <= toleratedSkewMs) return [];
  const problem = `Its clock differs from this machine's by ${Math.round(skewMs / 1000)} s.`;
  return [{ where, problem, cure: 'Let NTP set both clocks.' }];
}
