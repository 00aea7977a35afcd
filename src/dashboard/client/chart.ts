import uPlot from 'uplot';
import { formatBytes } from '../../core/units.ts';
import type { DrawChart } from '../views/throughput.ts';

/** The last hour's throughput with uPlot, in the colours of the style sheet. */
export const drawThroughput: DrawChart = (into, seconds, values) => {
  const colour = (name: string) => getComputedStyle(into).getPropertyValue(name).trim();
  const size = () => ({ width: into.clientWidth, height: into.clientHeight });
  const rootPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const font = `${Math.round(rootPx * 0.86)}px system-ui, sans-serif`;
  const axis = { stroke: colour('--quiet'), font, ticks: { show: false } };
  const chart = new uPlot(
    {
      ...size(),
      padding: [10, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(most * 1.1, 1)] } },
      axes: [
        { ...axis, grid: { show: false }, size: rootPx * 2, space: 60, values: (_, at) => at.map(clock) },
        {
          ...axis,
          grid: { stroke: colour('--line'), width: 1 },
          size: rootPx * 4.9,
          space: 28,
          values: (_, at) => at.map(one => (one === 0 ? '0' : `${formatBytes(one)}/s`)),
        },
      ],
      series: [{}, { stroke: colour('--accent'), fill: colour('--accent-soft'), width: 1.5, points: { show: false } }],
    },
    [seconds, values],
    into,
  );
  into.parentElement?.classList.add('drawn');
  const readout = document.createElement('div');
  readout.className = 'readout';
  into.append(readout);
  chart.root.addEventListener('mousemove', () => {
    const { idx } = chart.cursor;
    const [at, value] = [seconds[idx ?? -1], values[idx ?? -1]];
    readout.textContent = at === undefined || value === undefined ? '' : `${clock(at)}  ${formatBytes(value)}/s`;
  });
  chart.root.addEventListener('mouseleave', () => {
    readout.textContent = '';
  });
  const resized = new ResizeObserver(() => chart.setSize(size()));
  resized.observe(into);
  return () => {
    resized.disconnect();
    chart.destroy();
    readout.remove();
  };
};

function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('sv-SE').slice(0, 5);
}
