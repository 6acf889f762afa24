import type { CostRow } from './results.ts';

const WIDTH = 760;
const ROW = 30;
const BAR = 18;
const TOP = 64;
const LABELS = 270;
const FIGURES = 110;

/** Bars of what a call costs, as an SVG that carries its own ground, so that it can be read on any page. */
export function chart(rows: readonly CostRow[]): string {
  const shown = rows.filter(({ id }) => id !== 'direct');
  const height = TOP + shown.length * ROW + 16;
  const longest = Math.max(...shown.map(({ cpuUsPerCall }) => cpuUsPerCall.high));
  const scale = (us: number) => Math.round((us / longest) * (WIDTH - LABELS - FIGURES));
  const bars = shown.map(({ id, name, cpuUsPerCall: { median, low, high } }, at) => {
    const y = TOP + at * ROW;
    const middle = y + BAR / 2;
    return [
      `<text x="${LABELS - 12}" y="${middle + 5}" text-anchor="end"${id === 'ours' ? ' class="strong"' : ''}>${escaped(name)}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${scale(median)}" height="${BAR}" rx="2" class="${isOurs(id) ? 'ours' : 'other'}"/>`,
      `<path d="M${LABELS + scale(low)} ${middle}H${LABELS + scale(high)}" class="spread"/>`,
      `<text x="${LABELS + scale(high) + 8}" y="${middle + 5}">${median.toFixed(0)} µs</text>`,
    ].join('\n  ');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">
  <title id="title">CPU time per call in µs: ${escaped(shown.map(({ name, cpuUsPerCall }) => `${name} ${cpuUsPerCall.median.toFixed(0)}`).join('; '))}</title>
  <style>
    .ground { fill: #ffffff; stroke: #d0d7de }
    text { fill: #1f2328; font: 14px system-ui, sans-serif }
    .strong { font-weight: 600 }
    .small { font-size: 12px }
    .ours { fill: #1a7f5a }
    .other { fill: #8c959f }
    .spread { stroke: #1f2328; stroke-width: 2; opacity: 0.55 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #161b22; stroke: #30363d }
      text { fill: #e6edf3 }
      .ours { fill: #3fb68b }
      .other { fill: #6e7681 }
      .spread { stroke: #e6edf3 }
    }
  </style>
  <rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6" class="ground"/>
  <text x="20" y="28" class="strong">CPU time per call</text>
  <text x="20" y="46" class="small">64 callers, bodies of 200 B, one core; median of the rounds, with the lowest and the highest</text>
  ${bars.join('\n  ')}
</svg>
`;
}

function isOurs(id: string): boolean {
  return id === 'ours' || id.startsWith('no-');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
