import { checkEveryMs, overdueMs } from './config-changes';

it('a change whose writer died is noticed within a second', () => {
  expect(overdueMs + checkEveryMs).toBeLessThan(1000);
});
