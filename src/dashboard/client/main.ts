import 'uplot/dist/uPlot.min.css';
import './style.css';
import { createElement, render } from 'preact';
import type { PageModel } from '../views/model.ts';
import { type Connection, Shell } from '../views/shell.ts';
import { setChart } from '../views/throughput.ts';
import { drawThroughput } from './chart.ts';
import { followLog } from './follow-log.ts';
import { keepForms, listenToKeys, listenToSelectAll } from './keys.ts';
import { listen } from './live.ts';

/*
 * Takes over the page that the server has drawn, and keeps it up to date.
 */

const root = document.getElementById('app');
const data = document.getElementById('model')?.textContent;
if (root && data) start(root, JSON.parse(data) as PageModel);

function start(root: HTMLElement, first: PageModel): void {
  let model = first;
  let connection: Connection = { state: 'still' };
  document.documentElement.classList.add('scripted');
  setChart(drawThroughput);
  const draw = () => {
    const restore = keepForms(root);
    render(createElement(Shell, { model, connection }), root);
    restore();
  };
  draw();
  document.querySelector('.top nav [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });
  listenToKeys();
  listenToSelectAll();
  listen(model, {
    onModel(next) {
      model = next;
      draw();
    },
    onConnection(next) {
      connection = next;
      draw();
    },
    current: () => model,
  });
  if (model.page === 'logs')
    followLog(model, next => {
      model = next;
      draw();
    });
}
