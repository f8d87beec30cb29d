import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { AppName } from '@pns/e2e';
import { transports } from './subscribers';

/** The apps that a plan disturbs. Each has at least two processes. */
export const apps = [
  'api',
  'dispatcher',
  'worker-websocket',
  'worker-webhook',
  'worker-apns',
  'worker-fcm',
  'worker-wns',
  'worker-webpush',
] as const satisfies readonly AppName[];

/** The far sides that workers reach through a link. */
export const linkedTransports = ['webhook', 'apns', 'fcm'] as const;

const networkTargets = [
  ...apps.flatMap((app) => [`${app} to redis`, `${app} to postgres`]),
  ...linkedTransports.map((transport) => `worker-${transport} to far side`),
];

interface KindOfFault {
  /** The possible targets of the fault. */
  readonly targets: readonly string[];
  /** The shortest and the longest duration of the fault, in ms. */
  readonly lasts: readonly [number, number];
}

const instant = [0, 0] as const;
const seconds = (least: number, most: number): readonly [number, number] => [least * 1000, most * 1000];

/** Every kind of fault that a mixed plan may have. */
export const faultKinds = {
  kill: { targets: apps, lasts: instant },
  terminate: { targets: apps, lasts: instant },
  // A process is frozen for longer than the lock of a job is valid.
  freeze: { targets: apps, lasts: seconds(12, 16) },
  'redis-kill': { targets: ['redis'], lasts: seconds(1, 15) },
  'redis-stop': { targets: ['redis'], lasts: seconds(1, 8) },
  'redis-freeze': { targets: ['redis'], lasts: seconds(3, 12) },
  'redis-full': { targets: ['redis'], lasts: seconds(4, 10) },
  'disk-full': { targets: ['redis'], lasts: seconds(2, 6) },
  'postgres-kill': { targets: ['postgres'], lasts: seconds(1, 10) },
  'postgres-stop': { targets: ['postgres'], lasts: seconds(1, 6) },
  'postgres-freeze': { targets: ['postgres'], lasts: seconds(3, 12) },
  cut: { targets: networkTargets, lasts: seconds(1, 10) },
  slow: { targets: networkTargets, lasts: seconds(3, 10) },
  'half-open': { targets: networkTargets, lasts: seconds(3, 15) },
  hang: { targets: transports, lasts: seconds(3, 12) },
  reset: { targets: transports, lasts: seconds(3, 10) },
  throttle: { targets: transports, lasts: seconds(3, 10) },
  refuse: { targets: transports, lasts: seconds(3, 8) },
  roll: { targets: ['all'], lasts: instant },
} as const satisfies Readonly<Record<string, KindOfFault>>;

export type FaultKind = keyof typeof faultKinds;

/** One fault of a plan: when it begins, in ms after the beginning of the load, and how long it lasts, in ms. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly target: string;
  readonly at: number;
  readonly lasts: number;
}

interface PlanOptions {
  readonly seed: number;
  /** The duration of the load, in ms. */
  readonly loadMs: number;
  /** About how many faults a mixed plan has; by default, one in six seconds. */
  readonly mixedFaults?: number | undefined;
  /** Kinds that cannot happen on this machine. */
  readonly without?: readonly FaultKind[];
}

/** Makes the faults of a plan. The same options make the same plan. */
export type Plan = (options: PlanOptions) => readonly PlannedFault[];

/** The mean time between two faults of a mixed plan without `mixedFaults`, in ms. */
const usualPaceMs = 6000;
/** How long a server is away, in ms: longer than a job's lock is valid. */
const awayMs = 15_000;
const kills = 36;

function randomFrom(seed: number): (bound: number) => number {
  const generator = xoroshiro128plus(seed);
  return (bound) => uniformInt(generator, 0, bound - 1);
}

function pick<Item>(items: readonly Item[], random: (bound: number) => number): Item {
  return items[random(items.length)] as Item;
}

/** Faults of all kinds in turn, so that each kind occurs; the seed decides the order, the targets and the times. */
function mixed({ seed, loadMs, mixedFaults, without = [] }: PlanOptions): PlannedFault[] {
  const paceMs = mixedFaults === undefined ? usualPaceMs : Math.round(loadMs / mixedFaults);
  const random = randomFrom(seed);
  const kinds = (Object.keys(faultKinds) as FaultKind[]).filter((kind) => !without.includes(kind));
  const faults: PlannedFault[] = [];
  const busyUntil = new Map<string, number>();
  let left: FaultKind[] = [];
  for (let at = paceMs / 2; at < loadMs - paceMs; at += paceMs / 2 + random(paceMs)) {
    if (left.length === 0) left = [...kinds];
    const [kind] = left.splice(random(left.length), 1) as [FaultKind];
    const { targets, lasts } = faultKinds[kind];
    const [least, most] = lasts;
    const fault = { kind, target: pick<string>(targets, random), lasts: least + random(most - least + 1) };
    const lane = laneOf(fault);
    const start = Math.max(at, busyUntil.get(lane) ?? 0);
    busyUntil.set(lane, start + fault.lasts + 1000);
    if (start < loadMs) faults.push({ ...fault, at: start });
  }
  return faults.sort((one, other) => one.at - other.at);
}

/** The lane of a fault. Faults of one lane happen one after the other. */
export function laneOf({ target }: Pick<PlannedFault, 'target'>): string {
  return target;
}

const evenly = (count: number, loadMs: number, at: number): number => ((at + 1) * loadMs) / (count + 1);

/** The plans, by their name on the command line. */
export const plans: Readonly<Record<string, Plan>> = {
  mixed,

  kills: ({ seed, loadMs }) => {
    const random = randomFrom(seed);
    return Array.from({ length: kills }, (_, index) => ({
      ...{ kind: 'kill' as const, target: pick<string>(apps, random), lasts: 0 },
      at: evenly(kills, loadMs, index),
    }));
  },

  'redis-away': ({ loadMs }) =>
    Array.from({ length: 5 }, (_, index) => ({
      ...{ kind: 'redis-kill' as const, target: 'redis', lasts: awayMs },
      at: evenly(5, loadMs, index),
    })),

  'redis-full': ({ loadMs }) =>
    Array.from({ length: 3 }, (_, index) => evenly(3, loadMs, index)).flatMap((at) => [
      { kind: 'redis-full' as const, target: 'redis', lasts: 10_000, at },
      { kind: 'kill' as const, target: 'dispatcher', lasts: 0, at },
      { kind: 'kill' as const, target: 'dispatcher', lasts: 0, at },
    ]),

  rolling: ({ loadMs }) => [{ kind: 'roll', target: 'all', lasts: 0, at: loadMs / 10 }],
};
