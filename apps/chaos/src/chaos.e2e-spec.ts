import { plans } from './plans';
import { run } from './run';

/** About a minute of load with nine faults of nine kinds. */
const load = { count: 900, perSecond: 15 } as const;

/** A bound for a run that hangs, in ms. The run itself ends when nothing has arrived for a while. */
const runWithinMs = 1_200_000;

it(
  'loses nothing and repeats nothing without a reason while processes, servers, the network and receivers fail',
  async () => {
    const loadMs = (load.count / load.perSecond) * 1000;
    // The disk needs root.
    const faults = plans['mixed']?.({ seed: 33, loadMs, without: ['disk-full'] }) ?? [];
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const { accounts } = await run({ ...load, faults, users: 12, processes: 2, say });
    const bad = accounts.filter(({ lost, unexplained }) => lost.length > 0 || unexplained.length > 0);
    expect({ bad, lines: bad.length === 0 ? [] : lines }).toEqual({ bad: [], lines: [] });
    expect(accounts.map(({ expected }) => expected)).toEqual(accounts.map(() => load.count));
  },
  runWithinMs,
);
