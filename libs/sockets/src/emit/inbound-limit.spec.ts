import fc from 'fast-check';
import { InboundLimit, inboundLimits } from './inbound-limit';

const { frames, bytes } = inboundLimits;

it('lets a client send a burst, and then so many frames a second', () => {
  const allowed = (limit: InboundLimit, sent: number, now: number): number =>
    Array.from({ length: sent }, () => limit.allows(now, 0)).filter(Boolean).length;
  expect(allowed(new InboundLimit(0, 0), frames.burst + 1, 0)).toBe(frames.burst);
  const later = new InboundLimit(0, 0);
  for (let second = 1; second <= 3600; second++) {
    expect(allowed(later, frames.perSecond, second * 1000)).toBe(frames.perSecond);
  }
});

it('counts bytes from the earlier position of the connection', () => {
  const limit = new InboundLimit(0, 10_000_000);
  expect(limit.allows(0, 10_000_000 + bytes.burst)).toBe(true);
  expect(limit.allows(0, 10_000_000 + bytes.burst + 1)).toBe(false);
  expect(limit.allows(1000, 10_000_000 + bytes.burst + bytes.perSecond)).toBe(true);
});

it('never allows more than the burst and the rate', () => {
  const step = fc.record({ pauseMs: fc.integer({ min: 0, max: 3000 }), size: fc.integer({ min: 0, max: 20_000 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const limit = new InboundLimit(0, 0);
      let [now, read, taken] = [0, 0, 0];
      for (const { pauseMs, size } of steps) {
        now += pauseMs;
        if (!limit.allows(now, read + size)) return; // the connection is closed
        read += size;
        taken++;
        expect(taken).toBeLessThanOrEqual(frames.burst + (now / 1000) * frames.perSecond + 1e-6);
        expect(read).toBeLessThanOrEqual(bytes.burst + (now / 1000) * bytes.perSecond + 1e-6);
      }
    }),
  );
});
