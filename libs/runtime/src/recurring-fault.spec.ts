import { log } from './log';
import { RecurringFault } from './recurring-fault';

it('a recurring fault is logged as one warning without a stack at its start and one at its end', () => {
  const warned = jest.spyOn(log, 'warn').mockImplementation(() => undefined);
  const fault = new RecurringFault('node.beat-failed', 'node.beat-recovered', { node: 'n' });
  fault.isOver();
  for (let second = 0; second < 3; second++) fault.occurred(new Error('OOM command not allowed'));
  for (let second = 0; second < 3; second++) fault.isOver();
  fault.occurred('away');
  expect(warned.mock.calls.map(([line]) => line)).toEqual([
    { event: 'node.beat-failed', node: 'n', reason: 'OOM command not allowed' },
    { event: 'node.beat-recovered', node: 'n' },
    { event: 'node.beat-failed', node: 'n', reason: 'away' },
  ]);
});
