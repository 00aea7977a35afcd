import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { fixture, makeRecording } from '../support/make-recording.ts';

test('Names with +, &, =, quotes, brackets and decomposed letters are signed right, and their links lead to them', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox, { RECORDUPLOAD_EXTRA_FILES: '*.pdf' });
  const dir = makeRecording({ name: '42' });
  const names = [
    'C++ notes.pdf',
    'a&b=c;d.pdf',
    "it's (1) [2]!*.pdf",
    'x@y:z~,$.pdf',
    'Caf\u00e9.pdf',
    'Caq\u0301.pdf',
    '50%2B.pdf',
  ];
  for (const name of names) copyFileSync(fixture('recordings/3/thumbnail.jpg'), join(dir, name));
  const { code, stdout } = await desk.run(['upload', dir]);
  expect({ code, stdout }).toMatchObject({ code: 0 });
  const links = webhooksOf(sandbox, '42')[0]?.body.uploaded_files as Record<string, string>;
  const keys = sandbox.s3.objects().map(({ key }) => key);
  for (const name of names) {
    const link = Object.values(links).find(one => decodeURIComponent(new URL(one).pathname).endsWith(`/42/${name}`));
    expect({ name, link }).toEqual({ name, link: expect.stringMatching(/^[\w.:/%~!*'()-]+$/) });
    expect(keys).toContain(`42/${name}`);
  }
});

test.each([{ LC_ALL: 'C' }, { LANG: 'POSIX', LC_ALL: undefined }, { LC_ALL: 'de_DE.ISO-8859-1' }])(
  'Names with accents are uploaded and printed in any locale, as under cron (%j)',
  async locale => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox, { RECORDUPLOAD_EXTRA_FILES: '*.pdf', ...locale });
    const dir = makeRecording({ name: '43' });
    copyFileSync(fixture('recordings/3/thumbnail.jpg'), join(dir, 'Grüße 日本 😀.pdf'));
    const { code, stdout } = await desk.run(['upload', dir]);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('43/Grüße 日本 😀.pdf') });
    expect(sandbox.s3.objects().map(({ key }) => key)).toContain('43/Grüße 日本 😀.pdf');
  },
);
