import type { PlannedFault } from './plans';
import type { RunResult } from './run';

/** Whether nothing was lost and every double has a reason. */
export function isGood({ accounts }: Pick<RunResult, 'accounts'>): boolean {
  return accounts.every(({ lost, unexplained }) => lost.length === 0 && unexplained.length === 0);
}

/** The lines that a run prints at its end. */
export function* reportOf(result: RunResult, faults: readonly PlannedFault[]): Generator<string> {
  const { accounts, answers, heldPerSecond, lines, streams } = result;
  const kinds = new Set(faults.map(({ kind }) => kind));
  yield '';
  yield `Load held: ${heldPerSecond.toFixed(1)} notifications a second. Faults: ${faults.length} of ${kinds.size} kinds.`;
  const requests = Object.entries(answers).map(([answer, count]) => `${count} ${answer}`);
  yield `Requests: ${requests.join(', ')}.`;
  yield '| transport | deliveries | lost | doubled | not explained | p50 ms | p99 ms | longest ms |';
  yield '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |';
  for (const { stream, expected, lost, doubled, unexplained, delays } of accounts) {
    const times = [delays.p50, delays.p99, delays.longest].map(Math.round).join(' | ');
    yield `| ${stream} | ${expected} | ${lost.length} | ${doubled} | ${unexplained.length} | ${times} |`;
  }
  const sum = (of: (account: RunResult['accounts'][number]) => number): number =>
    accounts.reduce((total, account) => total + of(account), 0);
  const [deliveries, doubled] = [sum(({ expected }) => expected), sum((account) => account.doubled)];
  const share = ((100 * doubled) / deliveries).toFixed(3);
  const longest = Math.max(...accounts.map(({ delays }) => delays.longest)) / 1000;
  yield `Lost: ${sum(({ lost }) => lost.length)} of ${deliveries}. Doubled: ${doubled} (${share} %). Longest delay: ${longest.toFixed(1)} s.`;
  for (const { stream, reasons } of accounts) {
    for (const [reason, count] of reasons) yield `doubled of ${stream}: ${count}, ${reason}`;
  }
  yield `Socket streams: ${streams.all}, with gaps ${streams.withGaps}, out of order ${streams.outOfOrder}, informed of a gap ${streams.informed} times.`;
  const { notInformed } = streams;
  if (notInformed.length > 0)
    yield `ended as expired, and the socket was not informed: ${notInformed.slice(0, 20).join(' ')}`;
  for (const { stream, lost, unexplained } of accounts) {
    if (lost.length > 0) yield `lost of ${stream}: ${lost.slice(0, 20).join(' ')}`;
    for (const { id, first, at } of unexplained.slice(0, 20)) {
      yield `not explained of ${stream}: ${id} at ${clock(first)} and ${clock(at)}`;
    }
  }
  yield* lines;
}

/** A fault as text. The same faults have the same text. */
export function faultLine({ at, kind, target, lasts }: PlannedFault): string {
  return `${(at / 1000).toFixed(1)} s: ${kind} ${target}, ${(lasts / 1000).toFixed(1)} s`;
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}
