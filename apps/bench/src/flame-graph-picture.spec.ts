import { flameGraphOf, partsOf } from './flame-graph-picture';

const node = (id: number, functionName: string, url = '', children: number[] = []) => ({
  id,
  callFrame: { functionName, url },
  children,
});

const profile = {
  nodes: [
    node(1, '(root)', '', [2, 5, 6, 7]),
    node(2, 'run', 'file:///home/pns/libs/delivery/dist/job.js', [3, 4]),
    node(3, 'post', '/home/pns/node_modules/undici/lib/pool.js', [9]),
    node(4, 'post', '/home/pns/node_modules/undici/lib/pool.js'),
    node(5, '(idle)'),
    node(6, '(garbage collector)'),
    node(7, 'executeUserEntryPoint', 'node:internal/modules/run_main', [8]),
    node(8, 'load', '/home/pns/libs/delivery/dist/job.js'),
    node(9, 'writev'),
  ],
  samples: [2, 3, 9, 5, 6, 8],
  timeDeltas: [1000, 2000, 4000, 90_000, 3000, 50_000],
};

const titlesIn = (svg: string) => [...svg.matchAll(/<title>(.*?)<\/title>/g)].map(([, title]) => title);

it('draws each function with its share of the time after the start in which the process did something', () => {
  const svg = flameGraphOf(profile, 'a <worker>');
  expect(titlesIn(svg)).toEqual([
    'all, 100.0 %',
    '(garbage collector), 30.0 %',
    'run, libs/delivery/dist/job.js, 70.0 %',
    'post, undici/lib/pool.js, 60.0 %',
    'writev, 40.0 %',
  ]);
  expect(svg).toContain('a &lt;worker&gt;');
});

it('leaves out functions that are too small to be seen', () => {
  const svg = flameGraphOf({ ...profile, timeDeltas: [100_000, 200, 100, 0, 0, 0] }, 'a worker');
  expect(titlesIn(svg)).toEqual(['all, 100.0 %', 'run, libs/delivery/dist/job.js, 100.0 %']);
});

it('attributes to a package what Node and V8 do for it', () => {
  const parts = partsOf(profile).map(([part, share]) => `${part} ${(share * 100).toFixed()} %`);
  expect(parts).toEqual(['undici 60 %', 'garbage collection 30 %', 'libs/delivery 10 %', 'Node 0 %']);
});
