import { expect, test } from '@jest/globals';
import { readDocument } from '../../../../src/core/storage/s3/s3-xml.ts';

const keyOf = (text: string) => readDocument(text, 'List')?.text('Key');

test.each([
  ['attributes', '<List xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Key type="string">3/a b</Key></List>'],
  [
    'a declaration, comments and white space',
    '\n<?xml version="1.0"?>\n<!-- page -->\n<List>\n <Key>3/a b</Key>\n</List>\n',
  ],
  ['a byte order mark', '\ufeff<List><Key>3/a b</Key></List>'],
  ['CDATA', '<List><Key><![CDATA[3/a b]]></Key></List>'],
  ['entities', '<List><Key>3&#47;a&#x20;b</Key></List>'],
])('A document with %s is read as one without', (_, text) => {
  expect(keyOf(text)).toBe('3/a b');
});

test.each([
  ['a web page', '<!doctype html><html><body>Key</body></html>'],
  ['half of one', '<List><Key>3/a'],
  ['another one', '<Error><Code>AccessDenied</Code></Error>'],
  ['nothing', ''],
  ['elements within elements without end', '<List>'.repeat(200_000)],
])('What is %s is no such document', (_, text) => {
  expect(readDocument(text, 'List')).toBeUndefined();
});

test('What a document lacks is empty', () => {
  const list = readDocument('<List a="b"/>', 'List');
  expect([list?.text('Key'), list?.number('Size'), list?.date('LastModified'), list?.all('Contents')]).toEqual([
    '',
    0,
    undefined,
    [],
  ]);
});
