import uPlot from 'uplot';
import { formatBytes } from '../../core/units.ts';
import type { DrawChart } from '../views/throughput.ts';

/** The last hour's throughput with uPlot, in the colours and sizes of the style sheet. */
export const drawThroughput: DrawChart = into => {
  const readout = document.createElement('div');
  readout.className = 'readout';
  let data: [number[], number[]] = [[], []];
  let chart = make();
  into.parentElement?.classList.add('drawn');
  into.append(readout);

  function make(): uPlot {
    const colour = (name: string) => getComputedStyle(into).getPropertyValue(name).trim();
    const rootPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const font = `${Math.round(rootPx * 0.86)}px system-ui, sans-serif`;
    const axis = { stroke: colour('--quiet'), font, ticks: { show: false } };
    const made = new uPlot(
      {
        width: into.clientWidth,
        height: into.clientHeight,
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
        series: [
          {},
          { stroke: colour('--accent'), fill: colour('--accent-soft'), width: 1.5, points: { show: false } },
        ],
      },
      data,
      into,
    );
    made.root.addEventListener('mousemove', () => {
      const index = made.cursor.idx ?? -1;
      const [at, value] = [data[0][index], data[1][index]];
      readout.textContent = at === undefined || value === undefined ? '' : `${clock(at)}  ${formatBytes(value)}/s`;
    });
    made.root.addEventListener('mouseleave', () => {
      readout.textContent = '';
    });
    return made;
  }

  const again = () => {
    chart.destroy();
    chart = make();
  };
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', again);
  const resized = new ResizeObserver(() => chart.setSize({ width: into.clientWidth, height: into.clientHeight }));
  resized.observe(into);
  return {
    show(seconds, values) {
      data = [seconds, values];
      chart.setData(data);
    },
    remove() {
      dark.removeEventListener('change', again);
      resized.disconnect();
      chart.destroy();
      readout.remove();
    },
  };
};

function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('sv-SE').slice(0, 5);
}
