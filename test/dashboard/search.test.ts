import { expect, test } from '@jest/globals';
import { createElement } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { Frame, RecordingsContent } from '../../src/dashboard/views/model.ts';
import { Recordings } from '../../src/dashboard/views/recordings.ts';

/* What a search in more recordings than one page looks at says of itself. */

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const content: RecordingsContent = {
  hasState: true,
  filter: { state: '', machine: '', text: 'standup', since: '', until: '', zone: '', after: '' },
  machines: null,
  total: null,
  recordings: [],
  searchedTo: null,
  next: null,
};
const textOf = (more: Partial<RecordingsContent>) =>
  renderToString(createElement(Recordings, { content: { ...content, ...more }, frame: {} as Frame }))
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

test('a search of all recordings that finds none says so', () => {
  expect(textOf({})).toContain('No recording is like that.');
  expect(textOf({})).not.toContain('earched');
});

test('a search of the newest ones says how far it went, and that "Older" searches on', () => {
  const text = textOf({ searchedTo: AT, next: '1.1' });
  expect(text).toMatch(
    /Searched all IDs for exactly this, and the titles and IDs of recordings that were updated since/,
  );
  expect(text).toContain(`${new Date(AT).toLocaleString('sv-SE')} . “Older” searches on.`);
  expect(text).toContain('None of these recordings is like that.');
  expect(text).not.toContain('No recording');
  expect(text).toMatch(/Older $/);
});

test('so does each page after it', () => {
  const text = textOf({ searchedTo: AT, next: '1.1', filter: { ...content.filter, after: '2.2' } });
  expect(text).toContain(`Searched back to ${new Date(AT).toLocaleString('sv-SE')}`);
  expect(text).not.toContain('all IDs');
});
