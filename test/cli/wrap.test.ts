import { describe, expect, test } from '@jest/globals';
import { table } from '../../src/cli/terminal/format.ts';
import { displayWidth, padded, shortened } from '../../src/cli/terminal/width.ts';
import { unbroken, wrapText } from '../../src/cli/terminal/wrap.ts';

describe('text on a terminal', () => {
  test('is broken between words, and goes on further in', () => {
    expect(wrapText('error: the folder has no video (the video is named video.mkv)', 30).split('\n')).toEqual([
      'error: the folder has no video',
      '  (the video is named',
      '  video.mkv)',
    ]);
    expect(wrapText('    → check endpoint and the network', 24).split('\n')).toEqual([
      '    → check endpoint and',
      '      the network',
    ]);
  });

  test('that fits stays as it is, its columns and empty lines too', () => {
    const text = 'a    b\n\n  c  d';
    expect(wrapText(text, 6)).toBe(text);
  });

  test('a word that is longer than a line stays whole: it may be a path to copy', () => {
    expect(wrapText('see /a/very/long/path/to/a/file for more', 12).split('\n')).toEqual([
      'see /a/very/long/path/to/a/file for',
      '  more',
    ]);
  });

  test('JSON stays whole', () => {
    const json = '  "title": "a title with many words in it",\n{"version": 1, "type": "a long line of JSON"}';
    expect(wrapText(json, 20)).toBe(json);
  });

  test('colours take no room, emoji two columns', () => {
    expect(['abc', '\u001b[31mabc\u001b[39m', '✅ x', '📤', '✔', '⚠️', '会议'].map(displayWidth)).toEqual([
      3, 3, 4, 2, 1, 2, 4,
    ]);
    const red = '\u001b[31mone two\u001b[39m';
    expect(wrapText(red, 7)).toBe(red);
    expect(wrapText(red, 6)).toBe('\u001b[31mone\n ' + 'two\u001b[39m');
  });

  test.each([
    ['会议/video.mkv', 12, '…/video.mkv'],
    ['会议/video.mkv', 13, '…议/video.mkv'],
    ['会议/video.mkv', 14, '会议/video.mkv'],
    ['3/a\u0308a\u0308.mkv', 6, '…ä.mkv'.normalize('NFD')],
    ['recording-with-a-long-name/video.mkv', 10, '…video.mkv'],
  ])('%s in %i columns is %s', (name, columns, text) => {
    expect(shortened(name, columns)).toBe(text);
    expect(displayWidth(padded(shortened(name, columns), columns))).toBe(columns);
  });

  test('the columns of a table are those of the screen', () => {
    expect(
      table([
        ['会议', 'a'],
        ['e\u0301', 'b'],
        ['\u001b[31mred\u001b[39m', 'c'],
      ]),
    ).toEqual(['会议  a', 'e\u0301     b', '\u001b[31mred\u001b[39m   c']);
  });
});

test('a command that is to be copied is not broken', () => {
  const text = `the next one is: ${unbroken('recordupload retry --held 3')}, once that is done`;
  expect(wrapText(text, 30).split('\n')).toEqual([
    'the next one is:',
    '  recordupload retry --held 3,',
    '  once that is done',
  ]);
});
