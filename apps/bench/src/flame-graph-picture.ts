import { figure } from './scenario';

/** The parts of V8's CPU profile (`.cpuprofile`) that are read. Times are in µs. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A function as it is called by the functions below it, with the time in it and in the functions that it calls. */
interface Frame {
  readonly name: string;
  readonly place: string;
  time: number;
  readonly callees: Map<string, Frame>;
}

const [width, rowHeight, margin, letterWidth] = [1200, 17, 30, 6.4];
/** Narrower frames are left out, as a share of the whole time. */
const leastShare = 0.004;

/** What is left out: the time in which the process did nothing, and its start, in which Node loads the modules. */
const leftOut: ReadonlySet<string> = new Set(['(idle)', 'executeUserEntryPoint']);

const colors = { ours: '#818cf8', packages: '#fcd34d', Node: '#a7f3d0', V8: '#fca5a5' };

/**
 * A CPU profile as a flame graph (SVG): a bar for each function above the function that has called it. Its width is the share of
 * the CPU time of the process after its start. A pointer on a bar shows the whole name, the file and the share.
 */
export function flameGraphOf(profile: CpuProfile, title: string): string {
  const root = framesOf(profile);
  const bars: string[] = [];
  const deepest = addBars(bars, root, 0, 0, root.time);
  const height = margin + (deepest + 1) * rowHeight + margin;
  const legend = Object.entries(colors).map(
    ([name, color], at) =>
      `<rect x="${width - 400 + at * 100}" y="8" width="12" height="12" fill="${color}"/><text class="soft" x="${width - 382 + at * 100}" y="18">${name}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, monospace" font-size="11">
<style>.soft{fill:#24292f}@media (prefers-color-scheme: dark){.soft{fill:#e6edf3}}</style>
<text class="soft" x="0" y="18" font-weight="600">${escaped(title)}, ${figure(root.time / 1e6)} s of CPU time</text>
${legend.join('\n')}
<g transform="translate(0 ${height - margin})">
${bars.join('\n')}
</g>
</svg>
`;
}

/**
 * The shares of the packages in the CPU time after the start, the largest first. A package has the time of its functions and of
 * everything that Node and V8 do for them; `Node` is the rest.
 */
export function partsOf(profile: CpuProfile): readonly (readonly [part: string, share: number])[] {
  const times = new Map<string, number>();
  const add = (frame: Frame, caller: string): void => {
    const part = partOf(frame) ?? caller;
    const callees = [...frame.callees.values()];
    const own = frame.time - callees.reduce((sum, { time }) => sum + time, 0);
    times.set(part, (times.get(part) ?? 0) + own);
    for (const callee of callees) add(callee, part);
  };
  const root = framesOf(profile);
  add(root, 'Node');
  return [...times].map(([part, time]) => [part, time / root.time] as const).sort(([, one], [, other]) => other - one);
}

/** The package of a function; undefined for the functions of Node and V8, which work for their caller. */
function partOf({ name, place }: Frame): string | undefined {
  if (name === '(garbage collector)') return 'garbage collection';
  const kind = kindOf(place);
  if (kind === 'ours') return /^(?:libs\/transports|libs|apps)\/[^/]+/.exec(place)?.[0];
  return kind === 'packages' ? /^(?:@[^/]+\/)?[^/]+/.exec(place)?.[0] : undefined;
}

/** The profile as a tree. Calls of the same function by the same functions are one frame. */
function framesOf({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const own = new Map<number, number>();
  samples.forEach((id, at) => own.set(id, (own.get(id) ?? 0) + (timeDeltas[at] ?? 0)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const root: Frame = { name: 'all', place: '', time: 0, callees: new Map() };
  const add = (id: number, caller: Frame): number => {
    const node = byId.get(id);
    if (node === undefined || leftOut.has(node.callFrame.functionName)) return 0;
    const { functionName, url } = node.callFrame;
    const frame = functionName === '(root)' ? caller : calleeOf(caller, functionName || '(anonymous)', placeOf(url));
    const time = (node.children ?? []).reduce((sum, child) => sum + add(child, frame), own.get(id) ?? 0);
    frame.time += time;
    return time;
  };
  const [first] = nodes;
  if (first !== undefined) add(first.id, root);
  return root;
}

function calleeOf(caller: Frame, name: string, place: string): Frame {
  const key = `${name} ${place}`;
  const known = caller.callees.get(key);
  if (known !== undefined) return known;
  const frame: Frame = { name, place, time: 0, callees: new Map() };
  caller.callees.set(key, frame);
  return frame;
}

/** The end of a file's path that says where it belongs: from `libs/`, `apps/` or the package on. Empty for functions of V8. */
function placeOf(url: string): string {
  const packaged = url.lastIndexOf('node_modules/');
  if (packaged >= 0) return url.slice(packaged + 'node_modules/'.length);
  return /(?:libs|apps)\/.*$/.exec(url)?.[0] ?? url;
}

function kindOf(place: string): keyof typeof colors {
  if (place === '') return 'V8';
  if (place.startsWith('node:')) return 'Node';
  return /^(?:libs|apps)\//.test(place) ? 'ours' : 'packages';
}

/** Adds the bar of a frame and those above it; returns the row of the highest. `start` is the time left of the frame. */
function addBars(bars: string[], frame: Frame, row: number, start: number, total: number): number {
  const x = (start / total) * width;
  const barWidth = (frame.time / total) * width;
  const share = `${((frame.time / total) * 100).toFixed(1)} %`;
  const letters = Math.floor((barWidth - 6) / letterWidth);
  const label =
    letters < 3
      ? ''
      : `<text x="${(x + 3).toFixed(1)}" y="${-row * rowHeight - 5}">${escaped(frame.name.slice(0, letters))}</text>`;
  const description = escaped([frame.name, frame.place, share].filter((part) => part !== '').join(', '));
  bars.push(
    `<g><title>${description}</title><rect x="${x.toFixed(1)}" y="${-(row + 1) * rowHeight}" width="${Math.max(0.5, barWidth - 0.5).toFixed(1)}" height="${rowHeight - 1}" fill="${colors[kindOf(frame.place)]}"/>${label}</g>`,
  );
  const callees = [...frame.callees.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  let [next, deepest] = [start, row];
  for (const callee of callees) {
    if (callee.time / total >= leastShare) deepest = Math.max(deepest, addBars(bars, callee, row + 1, next, total));
    next += callee.time;
  }
  return deepest;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
