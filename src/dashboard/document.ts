import { createElement } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { printableLine } from '../core/text.ts';
import type { Assets } from './assets.ts';
import type { PageModel } from './views/model.ts';
import { Shell } from './views/shell.ts';

const TITLES: Readonly<Record<PageModel['page'], string>> = {
  overview: 'Overview',
  recordings: 'Recordings',
  recording: 'Recording',
  webhooks: 'Webhooks',
  plan: 'Plan',
  action: 'Action',
  logs: 'Logs',
  doctor: 'Doctor',
  problem: 'Problem',
};

/** A page as HTML, drawn completely, with its model for the script that keeps it up to date. */
export function pageDocument(model: PageModel, assets: Assets): string {
  const body = renderToString(createElement(Shell, { model, connection: { state: 'still' } }));
  // `<` in a text would end the element.
  const data = JSON.stringify(model).replace(/</g, '\\u003c');
  return htmlDocument({
    title: `${titleOf(model)} · recordupload${model.frame.machine ? ` on ${model.frame.machine}` : ''}`,
    assets,
    head: `${refreshWithoutScript(model)}<script type="module" src="${assets.script.path}"></script>`,
    body: `<div id="app">${body}</div><script type="application/json" id="model">${data}</script>`,
  });
}

function titleOf(model: PageModel): string {
  if (model.page === 'recording') return `Recording ${printableLine(model.content.id)}`;
  return model.page === 'action' || model.page === 'plan' ? model.content.title : TITLES[model.page];
}

/** Without a script, pages that change are loaded again. */
function refreshWithoutScript(model: PageModel): string {
  const isRunning = (model.page === 'action' || model.page === 'doctor') && model.content.state === 'running';
  const seconds = isRunning ? 3 : model.page === 'overview' ? 15 : 0;
  return seconds === 0 ? '' : `<noscript><meta http-equiv="refresh" content="${seconds}"></noscript>`;
}

/** A document around HTML that is safe already. */
export function htmlDocument({
  title,
  assets,
  head = '',
  body,
}: {
  title: string;
  assets: Assets;
  head?: string;
  body: string;
}) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="${assets.icon.path}">
<link rel="stylesheet" href="${assets.style.path}">
${head}
</head>
<body>${body}</body>
</html>
`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
}
