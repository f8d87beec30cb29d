import { figure, type Result } from './scenario';

const [labelWidth, barWidth, rowHeight, barHeight] = [130, 430, 64, 18] as const;

/** The results as a picture (SVG): two bars for each scenario, the longer one in full width. */
export function pictureOf(results: readonly Result[]): string {
  const compared = results.filter(({ baseline }) => baseline !== null);
  const rows = compared.map((result, index) => rowOf(result, 34 + index * rowHeight));
  const height = 34 + compared.length * rowHeight;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 ${height}" font-family="system-ui, sans-serif" font-size="13">
<style>text{fill:#24292f}.soft{fill:#656d76}@media (prefers-color-scheme: dark){text{fill:#e6edf3}.soft{fill:#8d96a0}}</style>
<rect x="${labelWidth}" y="8" width="12" height="12" fill="#4f46e5"/><text x="${labelWidth + 18}" y="19">PNS</text>
<rect x="${labelWidth + 70}" y="8" width="12" height="12" fill="#9ca3af"/><text x="${labelWidth + 88}" y="19">baseline</text>
${rows.join('\n')}
</svg>
`;
}

function rowOf({ scenario, ours, baseline, ratio, unit, goals }: Result, y: number): string {
  const longest = Math.max(ours, baseline ?? 0);
  const bar = (value: number, at: number, color: string): string => {
    const width = Math.max(1, (value / longest) * barWidth);
    const label = `<text class="soft" x="${labelWidth + width + 6}" y="${at + 14}">${figure(value)} ${unit}</text>`;
    return `<rect x="${labelWidth}" y="${at}" width="${width.toFixed(1)}" height="${barHeight}" fill="${color}"/>${label}`;
  };
  const [first] = goals;
  const verdict = first === undefined ? '' : ` (goal ${first.goal}${first.isMet ? '' : ', not met'})`;
  return [
    `<text x="0" y="${y + 14}" font-weight="600">${scenario}</text>`,
    `<text class="soft" x="0" y="${y + 33}" font-size="11">× ${ratio?.toFixed(2)}${verdict}</text>`,
    bar(ours, y, '#4f46e5'),
    bar(baseline ?? 0, y + barHeight + 3, '#9ca3af'),
  ].join('\n');
}
