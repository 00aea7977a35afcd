import { useEffect, useRef } from 'preact/hooks';
import { formatBytes } from '../../core/units.ts';
import { type Child, h } from './h.ts';

/** A chart that is drawn. */
export interface Chart {
  show(seconds: number[], values: number[]): void;
  remove(): void;
}

/** Draws a chart into an element. The browser's script sets it; on the server there is none. */
export type DrawChart = (into: HTMLElement) => Chart;

let drawChart: DrawChart | undefined;

export function setChart(draw: DrawChart): void {
  drawChart = draw;
}

const [WIDTH, HEIGHT] = [300, 100];

/** Bytes a second over the last hour. Without a script, a plain drawing of the same size. */
export function Throughput({ minutes, now }: { minutes: readonly number[]; now: number }): Child {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart>(null);
  useEffect(() => {
    if (!drawChart || !place.current) return undefined;
    const drawn = drawChart(place.current);
    chart.current = drawn;
    return () => drawn.remove();
  }, []);
  useEffect(() => {
    const last = Math.floor(now / 60_000) * 60;
    const seconds = minutes.map((_, index) => last - (minutes.length - 1 - index) * 60);
    chart.current?.show(
      seconds,
      minutes.map(bytes => bytes / 60),
    );
  }, [minutes.join(' ')]);
  const most = Math.max(...minutes, 1);
  const total = minutes.reduce((sum, one) => sum + one, 0);
  const step = WIDTH / minutes.length;
  return h(
    'figure',
    { class: 'chart' },
    h(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      minutes.map((bytes, index) => {
        const height = (bytes / most) * HEIGHT;
        return h('rect', { key: index, x: index * step, y: HEIGHT - height, width: step * 0.8, height });
      }),
    ),
    h('div', { class: 'plot', ref: place, 'aria-hidden': 'true' }),
    h(
      'figcaption',
      { class: 'unseen' },
      `${formatBytes(total)} in the last hour; the busiest minute had ${formatBytes(most === 1 ? 0 : most)}.`,
    ),
  );
}
