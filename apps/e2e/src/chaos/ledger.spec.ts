import { Ledger } from './ledger';

it('tells the first arrival of a delivery from later ones, and counts those as doubled', () => {
  const ledger = new Ledger(['websocket']);
  ledger.posted(['a']);
  ledger.accepted('a');
  const arrivals = [1, 2, 3].map((at) => ledger.arrived({ at, stream: 'websocket', id: 'a' }));
  expect(arrivals).toEqual([true, false, false]);
  expect(ledger.isComplete).toBe(true);
  expect(ledger.accounts()).toMatchObject([{ expected: 1, lost: [], doubled: 2 }]);
});
