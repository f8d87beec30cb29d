import { WaitingUsage } from './usage-counts';

it('adds up the further counts of a context with very many topics, so that those of others are not lost', () => {
  const usage = new WaitingUsage();
  const isCounted = Array.from({ length: 12_000 }, (_, number) => [
    usage.add('notifications', { context: 1, topic: `topic-${number}` }),
    usage.add('failed', { context: 1, topic: 'a', client: `client-${number}`, transport: 'webpush' }),
  ]);
  expect(isCounted.flat()).not.toContain(false);
  expect(usage.add('notifications', { context: 2, topic: 'a' })).toBe(true);
  const counts = usage.take();
  const of = (context: number, topic: string) =>
    counts.filter((each) => each.context === context && each.topic === topic);
  expect(of(2, 'a')).toMatchObject([{ client: '', transport: '', notifications: 1 }]);
  expect(counts.length).toBeLessThan(1100);
  expect(counts.reduce((sum, each) => sum + each.notifications, 0)).toBe(12_001);
  expect(counts.reduce((sum, each) => sum + each.failed, 0)).toBe(12_000);
  expect(of(1, '*').map(({ client, transport }) => [client, transport])).toEqual([
    ['', ''],
    ['*', 'webpush'],
  ]);
});
