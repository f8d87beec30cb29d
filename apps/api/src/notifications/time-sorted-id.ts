import { randomUUID } from 'node:crypto';

/**
 * A UUID of version 7 (RFC 9562, 5.7) for a time in ms since the epoch. Such ids sort by time, so that new rows of the history are
 * neighbours in the index of ids.
 */
export function timeSortedId(time: number): string {
  if (time !== last.time) last = { time, start: startOf(time) };
  return last.start + randomUUID().slice(15);
}

/** The time and start of the last id, kept because the notifications of one request have the same time. */
let last = { time: 0, start: startOf(0) };

function startOf(time: number): string {
  const hex = time.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
}
