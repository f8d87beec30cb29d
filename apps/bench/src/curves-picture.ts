import type { Curve } from './curves';
import { figure } from './scenario';

const [width, height, left, top, gap] = [230, 150, 10, 40, 35] as const;

/** Draws curves side by side, as SVG: the axis of sizes is logarithmic, the axis of values begins at 0. */
export function pictureOfCurves(curves: readonly Curve[]): string {
  const total = left + curves.length * (width + gap);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${top + height + 45}" font-family="system-ui, sans-serif" font-size="12">
<style>text{fill:#24292f}.soft{fill:#656d76}.axis{stroke:#8d96a0}@media (prefers-color-scheme: dark){text{fill:#e6edf3}.soft{fill:#8d96a0}}</style>
${curves.map((curve, index) => panelOf(curve, left + index * (width + gap))).join('\n')}
</svg>
`;
}

function panelOf({ name, grows, unit, points }: Curve, x: number): string {
  const most = Math.max(...points.map(({ value }) => value)) * 1.15;
  const sizes = points.map(({ size }) => Math.log10(size));
  const [least, span] = [Math.min(...sizes), Math.max(...sizes) - Math.min(...sizes)];
  const placed = points.map(({ size, value }) => ({
    size,
    value,
    px: x + 15 + ((Math.log10(size) - least) / span) * (width - 30),
    py: top + height * (1 - value / most),
  }));
  const line = placed.map(({ px, py }) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ');
  return [
    `<text x="${x}" y="14" font-weight="600">${unit} ${name}</text>`,
    `<text class="soft" x="${x}" y="30">by ${grows}</text>`,
    `<path class="axis" d="M${x} ${top}V${top + height}H${x + width}" fill="none"/>`,
    `<polyline points="${line}" fill="none" stroke="#4f46e5" stroke-width="2"/>`,
    ...placed.map(({ size, value, px, py }) =>
      [
        `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3.5" fill="#4f46e5"/>`,
        `<text x="${px.toFixed(1)}" y="${(py - 8).toFixed(1)}" text-anchor="middle" font-size="11">${figure(value)}</text>`,
        `<text class="soft" x="${px.toFixed(1)}" y="${top + height + 16}" text-anchor="middle" font-size="11">${short(size)}</text>`,
      ].join(''),
    ),
  ].join('\n');
}

/** A size as a short text, for example 10k or 1M. */
function short(size: number): string {
  if (size >= 1_000_000) return `${size / 1_000_000}M`;
  return size >= 1000 ? `${size / 1000}k` : `${size}`;
}
