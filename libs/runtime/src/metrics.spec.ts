import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declareCounter, declareHistogram, metrics, observerOf } from './metrics';

async function series(name: string): Promise<string[]> {
  const text = await metrics.getSingleMetricAsString(name);
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

it('a counter is 0 for every combination of its label values before it has counted anything', async () => {
  const labels = { transport: ['webhook', 'apns'], outcome: ['delivered', 'retry'] };
  const counter = declareCounter({ name: 'test_total', help: 'A test.', labels });
  expect(await series('test_total')).toEqual([
    'test_total{transport="webhook",outcome="delivered"} 0',
    'test_total{transport="webhook",outcome="retry"} 0',
    'test_total{transport="apns",outcome="delivered"} 0',
    'test_total{transport="apns",outcome="retry"} 0',
  ]);
  counter.inc({ transport: 'apns', outcome: 'retry' });
  expect(await series('test_total')).toContain('test_total{transport="apns",outcome="retry"} 1');
});

it('the counts of a histogram are 0 before it has observed anything', async () => {
  declareHistogram({ name: 'test_seconds', help: 'A test.', labels: { transport: ['fcm'] }, buckets: [1] });
  expect(await series('test_seconds')).toEqual([
    'test_seconds_bucket{le="1",transport="fcm"} 0',
    'test_seconds_bucket{le="+Inf",transport="fcm"} 0',
    'test_seconds_sum{transport="fcm"} 0',
    'test_seconds_count{transport="fcm"} 0',
  ]);
});

it.each([{ transport: 'fcm' }, { transport: 'of a newer version' }])(
  'an observer of %j adds the same values to a histogram as its observe',
  async (labels) => {
    const buckets = [0.005, 0.25, 1, 86_400];
    const declare = (name: string) =>
      declareHistogram({ name, help: 'A test.', labels: { transport: ['fcm'] }, buckets });
    const [one, other] = [declare(`one_${labels.transport.length}`), declare(`other_${labels.transport.length}`)];
    const observe = observerOf(other, labels);
    for (const value of [0, 0.005, 0.0051, 0.5, 1, 86_400, 86_401]) {
      one.observe(labels, value);
      observe(value);
    }
    const lines = await series(`other_${labels.transport.length}`);
    expect(lines.map((line) => line.replace('other_', 'one_'))).toEqual(await series(`one_${labels.transport.length}`));
    expect(lines.join()).toContain(`count{transport="${labels.transport}"} 7`);
  },
);

it('pns_build_info has the versions of the project and of Node', async () => {
  const manifest = readFileSync(join(__dirname, '..', '..', '..', 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const line = `pns_build_info{version="${version}",node="${process.versions.node}"} 1`;
  expect(await series('pns_build_info')).toEqual([line]);
});
