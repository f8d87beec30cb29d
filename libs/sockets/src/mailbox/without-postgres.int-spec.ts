import { cuttableLink } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import { TestNodes } from '../testing/nodes';

log.level = 'silent';

let nodes: TestNodes;

beforeAll(async () => {
  nodes = await TestNodes.prepare();
});
afterAll(() => nodes.stop());

it('a socket that comes back to a node without Postgres gets what it missed when Postgres answers again', async () => {
  const link = await cuttableLink(nodes.databaseUrl);
  const [before, after] = await Promise.all([nodes.start(), nodes.start(undefined, undefined, [], link.url)]);
  const client = await nodes.connect(before, '1');
  client.close();
  await nodes.untilOpen(0);
  for (const { id } of await nodes.dispatch()) await nodes.parked(id);
  let refused = 0;
  link.onRefuse = () => refused++;
  link.cut();
  const back = await nodes.connect(after, '1');
  const refusedBefore = refused;
  await eventually('the properties were asked for again', () => Promise.resolve(refused > refusedBefore + 1));
  expect([back.frames, (await nodes.waiting()).length]).toEqual([[], 1]);
  link.mend();
  expect((await back.got(1)).map(([topic]) => topic)).toEqual(['ox:mail:new']);
  await nodes.close(after);
  await link.close();
});
