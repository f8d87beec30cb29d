import { askMs, overdueMs } from './config-changes';

it('a change whose writer died is noticed within a second', () => {
  expect(overdueMs + askMs).toBeLessThan(1000);
});
