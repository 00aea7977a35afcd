import type { LogRow, PageModel } from '../views/model.ts';

type LogsModel = Extract<PageModel, { page: 'logs' }>;

/** More would make the page slow. */
const MOST_LINES = 2_000;
const NEAR_THE_END_PX = 40;

/** Adds the lines that are written to the log. Whoever reads further up is left there. */
export function followLog(first: LogsModel, show: (model: LogsModel) => void): void {
  let model = first;
  const log = () => document.getElementById('log');
  const toEnd = () => {
    const element = log();
    if (element) element.scrollTop = element.scrollHeight;
  };
  toEnd();
  const source = new EventSource(`/logs/events${location.search}`);
  source.addEventListener('lines', ({ data }) => {
    const rows = JSON.parse(data) as LogRow[];
    if (rows.length === 0) return;
    const element = log();
    const isAtEnd = !element || element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_THE_END_PX;
    const lines = [...model.content.lines, ...rows].slice(-MOST_LINES);
    model = { ...model, content: { ...model.content, exists: true, lines } };
    show(model);
    if (isAtEnd) toEnd();
  });
}
