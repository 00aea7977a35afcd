import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { settingsSchema } from '../../src/config/schema.ts';
import { signatureHeaders } from '../../src/core/webhook/signature.ts';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { tempDir } from '../support/temp-dir.ts';
import { CURRENT_PAGES, codeBlocks, launcher, page, root } from './support.ts';

const run = promisify(execFile);

/** A folder as a reader has it: the fixture recordings, and `npx` and `recordupload` that run the built program. */
function readersFolder(): { folder: string; path: string } {
  const folder = tempDir();
  cpSync(join(root, 'fixtures/recordings/3'), join(folder, 'fixtures/recordings/3'), {
    recursive: true,
    preserveTimestamps: true,
  });
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const program = `exec '${process.execPath}' '${launcher}' "$@"`;
  writeFileSync(join(bin, 'npx'), `#!/bin/sh\nshift\n${program}\n`, { mode: 0o755 });
  writeFileSync(join(bin, 'recordupload'), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  return { folder, path: `${bin}:${process.env.PATH}` };
}

describe('shell', () => {
  const lines = CURRENT_PAGES.flatMap(({ text }) => codeBlocks(text, 'sh'))
    .flatMap(block => block.split('\n'))
    .filter(line => /\brecordupload\b.* --sandbox\b|\brecordupload upload\b.* --dry-run\b/.test(line))
    // It has to be installed: test/packaging/readme.package.ts does that.
    .filter(line => !line.includes('/usr/share/doc/'));

  test('there are examples that run without an account', () => {
    expect(lines.length).toBeGreaterThanOrEqual(3);
  });

  for (const line of new Set(lines)) {
    test(line, async () => {
      const { folder, path } = readersFolder();
      const { stdout } = await run('sh', ['-c', line], { cwd: folder, env: { PATH: path, HOME: folder } });
      expect(stdout).toMatch(/webhook delivered \(201, created\)|would upload to|The webhook integration works\./);
    });
  }

  test('what cron runs is found by cron, which searches /usr/bin and /bin alone', () => {
    const blocks = CURRENT_PAGES.flatMap(({ text }) =>
      [...text.matchAll(/^```\n(.*?)^```$/gms)].map(([, block = '']) => block),
    );
    const crontabs = blocks.filter(block => /^[\d*/,]+(?: [\d*/,]+){4} .*recordupload/m.test(block));
    expect(crontabs.length).toBeGreaterThan(1);
    for (const crontab of crontabs) expect(crontab).toMatch(/^PATH=\/usr\/local\/bin:\/usr\/bin:\/bin\n/);
  });

  test("the first upload's configuration is valid", () => {
    const yaml = /<<'END'\n(.*?)^END$/ms.exec(codeBlocks(page('README.md'), 'sh').join('\n'))?.[1] ?? '';
    expect(settingsSchema.safeParse(load(yaml))).toMatchObject({ success: true });
    expect(load(yaml)).toHaveProperty('webhook.tokenFile');
  });

  test("Jibri's finalize script hands over a recording named after its room, and retry uploads it", async () => {
    const script = codeBlocks(page('docs/recipes.md'), 'sh').find(block => block.includes('finalize-recording'));
    const { folder, path } = readersFolder();
    const recording = join(folder, 'abcdefgh');
    mkdirSync(recording);
    cpSync(join(root, 'fixtures/recordings/3/video.mkv'), join(recording, 'weekly sync_2026-01-31.mp4'));
    const metadata = { meeting_url: 'https://meet.example.com/weekly', participants: [{ name: 'Ada' }] };
    writeFileSync(join(recording, 'metadata.json'), JSON.stringify(metadata));
    const finalize = join(folder, 'finalize-recording');
    writeFileSync(finalize, script ?? '');
    chmodSync(finalize, 0o755);

    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const { stdout, stderr } = await run(finalize, [recording], { env: { ...desk.env, PATH: path } });
    expect(stdout + stderr).toBe('');
    expect(sandbox.s3.requests()).toEqual([]);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(sandbox.s3.objects().map(({ key }) => key)).toEqual(
      expect.arrayContaining(['abcdefgh/metadata.json', 'abcdefgh/video.mp4']),
    );
    const [webhook] = webhooksOf(sandbox, 'abcdefgh');
    expect(webhook?.status).toBe(201);
    expect(JSON.stringify(webhook?.body)).not.toMatch(/meeting_url|Ada/);
  });
});

describe('Python', () => {
  const [django = '', signature = ''] = codeBlocks(page('docs/receivers.md'), 'python');
  const hasPython = spawnSync('python3', ['-c', 'pass']).status === 0;
  const withPython = hasPython ? test : test.skip;
  const python = async (program: string) => (await run('python3', ['-c', program])).stdout.trim().split('\n');

  withPython('the token is compared as the contract wants it', async () => {
    const stubs = `
import sys, types
def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)
for name in ("django", "django.views", "django.views.decorators"):
    module(name)
module("django.conf", settings=types.SimpleNamespace(WEBHOOK_TOKEN="fake-token"))
module("django.http", JsonResponse=lambda body, status=200: (status, body))
module("django.views.decorators.csrf", csrf_exempt=lambda view: view)
module("django.views.decorators.http", require_POST=lambda view: view)
`;
    const calls = `
def store_recording(payload):
    return (201, payload["recording_id"])
for headers in ({"X-Webhook-Token": "fake-token"}, {"X-Webhook-Token": "Fake-token"}, {"X-Webhook-Token": "f\\u00e4ke"}, {}):
    print(recordings_webhook(types.SimpleNamespace(headers=headers, body=b'{"recording_id": 3}')))
`;
    const refused = "(401, {'status': 'error', 'message': 'Invalid or missing authentication token'})";
    expect(await python(stubs + django + calls)).toEqual(['(201, 3)', refused, refused, refused]);
  });

  withPython('signatures are verified as the program makes them', async () => {
    const secret = (text: string) => `whsec_${Buffer.from(text.padEnd(32, '!')).toString('base64')}`;
    const [old, fresh, foreign] = [secret('fake old secret'), secret('fake new secret'), secret('fake foreign one')];
    const body = '{"recording_id":3,"title":"Grüße"}';
    const now = Math.floor(Date.now() / 1000);
    const both = signatureHeaders([fresh, old], 'msg_1', now, body);
    const late = signatureHeaders([fresh], 'msg_1', now - 600, body);
    const cases = [
      [both, body, fresh, 'True'],
      [both, body, old, 'True'],
      [both, body, foreign, 'False'],
      [both, `${body} `, fresh, 'False'],
      [{ ...both, 'webhook-id': 'msg_2' }, body, fresh, 'False'],
      [late, body, fresh, 'False'],
      [{}, body, fresh, 'False'],
    ] as const;
    const folder = tempDir();
    const file = join(folder, 'cases.json');
    writeFileSync(file, JSON.stringify(cases));
    const calls = `
import json
for headers, body, secret, expected in json.load(open("${file}")):
    print(signature_is_valid(headers, body.encode(), secret))
`;
    expect(await python(signature + calls)).toEqual(cases.map(([, , , expected]) => expected));
  });
});

test('the payload for receivers has the fields of the contract', () => {
  const [payload = ''] = codeBlocks(page('docs/receivers.md'), 'json');
  const contract = readFileSync(join(root, 'fixtures/payloads/contract-example.json'), 'utf8');
  expect(JSON.parse(payload)).toEqual({ ...JSON.parse(contract), upload_source: 'cli' });
});
