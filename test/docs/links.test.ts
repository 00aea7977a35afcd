import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CURRENT_PAGES, PAGES, type Page, root } from './support.ts';

/** A page's text without code, in which brackets are no links. */
const prose = (text: string) => text.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '');

/**
 * The anchors of a page's headings, as GitHub makes them: lower case, no punctuation, hyphens for spaces, and a number
 * for repetitions.
 */
function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ +(.+?) *$/gm)].map(([, title = '']) => {
    const anchor = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** The links of pages that lead nowhere: to a file that does not exist, or to a heading that its page does not have. */
function brokenLinks(pages: readonly Page[], exists: (path: string) => boolean): string[] {
  return pages.flatMap(({ path, text }) =>
    [...prose(text).matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]: *<?([^\s>]+)/gm)].flatMap(match => {
      const link = match[1] ?? match[2] ?? '';
      if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return [];
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : posix.join(dirname(path), decodeURIComponent(file));
      const found = pages.find(page => page.path === target);
      const isBroken = anchor === undefined ? !exists(target) : !found || !anchorsOf(found.text).includes(anchor);
      return isBroken ? [`${path}: ${link}`] : [];
    }),
  );
}

test('every link leads to a file that exists, and to a heading that its page has', () => {
  expect(brokenLinks(PAGES, path => existsSync(join(root, path)))).toEqual([]);
});

test('the fault reports of others name tests that exist', () => {
  const text = PAGES.find(({ path }) => path === 'docs/fault-reports.md')?.text ?? '';
  const named = [...text.matchAll(/\]\(\.\.\/(test\/[^)]+)\): (.+?) \|$/gm)];
  expect(named.length).toBeGreaterThanOrEqual(45);
  const missing = named.filter(([, file = '', name = '']) => {
    // The whole name, as the first argument of a test or in a table of them.
    const source = existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '';
    return !["'", '"', '`'].some(quote => source.includes(`${quote}${name}${quote},`));
  });
  expect(missing.map(([row]) => row)).toEqual([]);
  // Every row but those that say that they are open has a report, what we do, and a test.
  const rows = text.split('\n').filter(line => line.startsWith('| ') && !/^\| (?:what happened|---)/.test(line));
  expect(rows.filter(row => !/\]\(https:\/\/github\.com\/[\w.-]+\/[\w.-]+\/(?:issues|pull)\/\d+\)/.test(row))).toEqual(
    [],
  );
  expect(rows.length - named.length).toBe(rows.filter(row => row.includes('**not handled yet:**')).length);
});

test('every path of the repository that a page names exists', () => {
  const named = CURRENT_PAGES.flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:src|test|scripts|fixtures|bin|docs|\.ci)\/[\w./-]*)`/g)].map(match => ({
      path,
      named: match[1] ?? '',
    })),
  );
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter(one => !existsSync(join(root, one.named)))).toEqual([]);
});

describe('a broken link is found', () => {
  const text = [
    '# A title, with *marks*',
    '## Twice',
    '## Twice',
    'Good: [a](#a-title-with-marks) [b](#twice-1) [c](docs/other.md#there) [d](src) [e](https://example.com/#x)',
    'Code: `[f](nowhere.md)`',
    'Bad: [g](nowhere.md) [h](#nothing) [i](docs/other.md#nothing "title") ![j](picture.png)',
    '[k]: docs/nowhere.md',
  ].join('\n');
  const pages = [
    { path: 'README.md', text },
    { path: 'docs/other.md', text: '# There\n\n[back](../README.md#twice) [wrong](README.md)' },
  ];

  test('and only a broken one', () => {
    const exists = (path: string) => ['README.md', 'docs/other.md', 'src'].includes(path);
    expect(brokenLinks(pages, exists)).toEqual([
      'README.md: nowhere.md',
      'README.md: #nothing',
      'README.md: docs/other.md#nothing',
      'README.md: picture.png',
      'README.md: docs/nowhere.md',
      'docs/other.md: README.md',
    ]);
  });
});
