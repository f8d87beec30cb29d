import type { HistoryWindow } from '@pns/persistence';
import { HistoryBuffer } from './history-buffer';

function windowWith(targets: number): HistoryWindow {
  return {
    ...{ at: 1, context: 1, user: 14, windowKey: 'key', place: 1, notification: 'a', dueAt: 1, count: 1 },
    targets: Array.from({ length: targets }, (_, index) => ({
      delivery: String(index),
      transport: 'webhook' as const,
      client: 'crm',
    })),
  };
}

it('counts each target of a window, so that users with many subscriptions do not exhaust the memory', () => {
  const buffer = new HistoryBuffer(100);
  buffer.addWindow(windowWith(60));
  expect(buffer.hasRoom()).toBe(true);
  buffer.addWindow(windowWith(60));
  expect(buffer.hasRoom()).toBe(false);
});

it('has room again when the taken records are written or lost, and counts records without their targets', () => {
  const buffer = new HistoryBuffer(100);
  buffer.addWindow(windowWith(100));
  const rows = buffer.take();
  expect(buffer.hasRoom()).toBe(false);
  expect(buffer.written()).toBe(1);
  expect(buffer.hasRoom()).toBe(true);
  buffer.addWindow(windowWith(100));
  buffer.take();
  expect(buffer.lost(rows)).toBe(1);
  expect(buffer.hasRoom()).toBe(true);
});
