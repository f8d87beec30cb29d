import type { Finding } from './finding';

/** Tolerated difference of two clocks, in ms. A larger one makes windows and retries early or late. */
const toleratedSkewMs = 1000;

/** Compares the `time` of a server with this machine's times before and after the request, all in ms since the epoch. */
export function clockFindings(where: string, before: number, time: number, after: number): Finding[] {
  const skewMs = Math.max(before - time, time - after, 0);
  if (skewMs <= toleratedSkewMs) return [];
  const problem = `Its clock differs from this machine's by ${Math.round(skewMs / 1000)} s.`;
  return [{ where, problem, cure: 'Let NTP set both clocks.' }];
}
