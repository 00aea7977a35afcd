import { describe, expect, test } from '@jest/globals';
import { shellQuoted } from '../../src/core/shell-quoted.ts';
import { printable, printableJson, printableLine } from '../../src/core/text.ts';

describe('Text from outside', () => {
  test.each([
    ['an escape sequence', '\u001b[2J', '\\u001b[2J'],
    ['the same in one character (CSI)', '\u009b2J', '\\u009b2J'],
    ['a line break', 'a\r\nb', 'a\\u000d\\u000ab'],
    ['a bell and a DEL', '\u0007\u007f', '\\u0007\\u007f'],
    ['line and paragraph separators', '\u2028\u2029', '\\u2028\\u2029'],
    ['a name that shows its end first', 'invoice\u202egpj.exe', 'invoice\\u202egpj.exe'],
    ['isolates and marks of direction', '\u2066\u2069\u200e\u200f\u061c', '\\u2066\\u2069\\u200e\\u200f\\u061c'],
    ['zero-width characters', 'a\u200bb\u200c\u200d\u2060\ufeff', 'a\\u200bb\\u200c\\u200d\\u2060\\ufeff'],
    ['a soft hyphen', 'to\u00adken', 'to\\u00adken'],
    ['letters that are drawn as nothing', '\u3164\u115f\uffa0', '\\u3164\\u115f\\uffa0'],
    ['annotations', '\ufff9a\ufffb', '\\ufff9a\\ufffb'],
    ['text hidden in tags', '\u{e0041}\u{e007f}', '\\u{e0041}\\u{e007f}'],
    ['half a surrogate pair', 'a\ud83d', 'a\\ud83d'],
    ['the other half', '\ude00a', '\\ude00a'],
  ])('has %s shown, not obeyed', (_, text, shown) => expect(printable(text)).toBe(shown));

  test.each(['Sitzung „Größe“', '会議 2026', 'встреча', 'اجتماع', 'a\u0301', '😀 ⚠️ 🇩🇪', '葛\u{e0100}', 'C:\\u001b'])(
    'is left as it is where all of it is seen: %s',
    text => expect(printable(text)).toBe(text),
  );

  test('of several lines becomes one', () => {
    expect(printableLine('<h1>\n\t502\tBad Gateway \r\n</h1>\u001b')).toBe('<h1> 502 Bad Gateway </h1>\\u001b');
  });

  test.each([undefined, 2])('in JSON becomes escapes of JSON (indented by %p): what is read is the same', indent => {
    const value = { title: 'a\u202eb\u009b2J\u001b\u{e0041}\ud83d ⚠️ "\\\n', list: ['\u2028', 1, null] };
    const text = printableJson(value, indent);
    expect(text).toBe(
      JSON.stringify(value, null, indent)
        .replace('\u202e', '\\u202e')
        .replace('\u009b', '\\u009b')
        .replace('\u{e0041}', '\\udb40\\udc41')
        .replace('\u2028', '\\u2028'),
    );
    expect(JSON.parse(text)).toEqual(value);
  });

  test.each([
    ['recordings', 'recordings'],
    ['a b', "'a b'"],
    ["it's", "'it'\\''s'"],
    ['$(x)', "'$(x)'"],
    ["it's \u001b[2J\\", "$'it\\'s \\u001b[2J\\\\'"],
    ['a\u202eb\u{e0041}1', "$'a\\u202eb\\U000e00411'"],
  ])('for a shell: %s is the word %s', (text, word) => expect(shellQuoted(text)).toBe(word));

  test.each([
    ['C:\\Users\\ada\\recordings', 'C:\\Users\\ada\\recordings'],
    ['C:\\Program Files\\x', '"C:\\Program Files\\x"'],
    ["it's", '"it\'s"'],
    ["$it's", "'$it''s'"],
    ['100%&more', '"100%&more"'],
  ])('for the shells of Windows: %s is the word %s', (text, word) => expect(shellQuoted(text, 'win32')).toBe(word));
});
