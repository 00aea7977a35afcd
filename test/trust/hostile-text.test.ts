import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { runInTerminal } from '../support/run-in-terminal.ts';
import { tempDir } from '../support/temp-dir.ts';

/*
 * Names, titles and answers are shown, not obeyed: nothing that moves the cursor, sets the title or clipboard of a terminal,
 * turns the writing direction around, breaks a line, or hides. Whoever makes a folder or answers a request writes them.
 */
const sandbox = await openSandbox();
const EVIL = '\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202egnp\u2066\u2028\u2029\u0085\u200b\ufeff\u00ad\u{e0041}';
/** As part of a file name: those have no more than 255 bytes. */
const EVIL_NAME = '\u001b]0;pwned\u0007\u009b31m\u202egnp\u2028\u200b';
/** Without control characters, which files that are uploaded, and users, must not have in their names. */
const UNSEEN = '\u202egnp\u2066\u2028\u2029\u200b\ufeff\u00ad';
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\u{e0041}/u;

/** What the program printed, and its log, with the place of each character that is not only shown. */
function obeyed(desk: Desk): string[] {
  const logs = join(desk.stateDir, 'logs');
  const files = desk.runs().some(({ code }) => code === 0) ? namesIn(logs).map(name => join(logs, name)) : [];
  const texts = [
    ...desk.runs().flatMap(({ stdout, stderr }) => [stdout, stderr]),
    ...files.map(file => readFileSync(file, 'utf8')),
  ];
  return texts.flatMap(text => text.split('\n').filter(line => OBEYED.test(line)));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter(name => name.endsWith('.log'));
  } catch {
    return [];
  }
}

/** A recording that somebody prepared. Returns its folder. */
function evilRecording(): string {
  const dir = makeRecording({ name: `3${EVIL_NAME}` });
  const sidecar = { title: `Weekly ${EVIL}`, user_info: { username: `Ada ${EVIL}` }, [`key ${EVIL}`]: EVIL };
  writeFileSync(join(dir, 'recording.json'), JSON.stringify(sidecar));
  writeFileSync(join(dir, `notes${UNSEEN}.txt`), 'notes');
  writeFileSync(join(dir, `skipped${EVIL_NAME}.bin`), 'skipped');
  return dir;
}

const EVERYWHERE = [
  ['status', '81'],
  ['status', '--json'],
  ['verify', '81'],
  ['verify', '81', '--full', '--json'],
  ['webhook', 'test'],
  ['webhook', 'send', '81', '--dry-run'],
  ['webhook', 'send', '81', '--title', `Other ${EVIL}`, '--verbose'],
  ['webhook', 'history', '81'],
  ['webhook', 'list'],
  ['retry', '--list'],
  ['retry', '--now', '--verbose'],
  ['logs'],
  ['logs', '--json'],
  ['doctor'],
  ['cleanup', '--older-than', '0s'],
  ['config', 'show'],
  ['config', 'validate'],
  ['config', 'path'],
  ['completion', 'bash', 'status', ''],
];

describe('Text that a terminal would obey', () => {
  test('in folder, file names, title and user is shown by every command', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_EXTRA_FILES: 'notes*', RECORDUPLOAD_USER_NAME: `Ada ${UNSEEN}` });
    const dir = evilRecording();
    for (const options of [
      ['--dry-run'],
      ['--dry-run', '--json'],
      ['--verbose'],
      ['--force', '--json'],
      ['--progress', 'json'],
    ]) {
      await desk.run(['upload', dir, '--id', '81', ...options]);
    }
    expect(desk.runs().map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual([0, 0, 0, 0, 0]);
    for (const args of EVERYWHERE) await desk.run(args);
    expect(obeyed(desk)).toEqual([]);
    expect(desk.runs().some(({ stdout }) => stdout.includes('\\u202e'))).toBe(true);
  }, 60_000);

  test('is shown where it makes a command fail', async () => {
    const desk = openDesk(sandbox, { [`RECORDUPLOAD_BUKKET${EVIL}`]: EVIL });
    const empty = join(tempDir(), `empty${EVIL_NAME}`);
    mkdirSync(empty);
    const refused = evilRecording();
    writeFileSync(join(refused, `video${EVIL_NAME}.mkv`), 'video');
    const commands = [
      ['upload', refused],
      ['upload', empty],
      ['upload', join(empty, EVIL_NAME)],
      ['upload', evilRecording()],
      ['upload', EVIL, EVIL],
      ['upload', '--recursive', empty],
      ['upload', makeRecording(), '--id', EVIL],
      ['upload', makeRecording(), '--title', EVIL, '--created-at', EVIL, '--duration', EVIL],
      ['upload', makeRecording(), '--bucket', EVIL],
      ['upload', makeRecording(), '--config', EVIL],
      ['upload', makeRecording(), '--webhook-url', `http://${EVIL}`],
      ['verify', EVIL],
      ['webhook', 'send', EVIL],
      ['webhook', 'test', '--endpoint', EVIL],
      ['webhook', 'enable', EVIL],
      ['logs', '--since', EVIL],
      ['completion', EVIL],
      ['help', EVIL],
      [EVIL],
      [`--${EVIL}`],
      ['config', 'validate'],
      ['config', 'show'],
      ['doctor', '--json'],
    ];
    for (const args of commands) await desk.run(args);
    for (const name of ['REGION', 'BUCKET', 'ENDPOINT', 'EXTRA_FILES', 'STATE_DIR', 'LOG_FILE', 'CA_FILE', 'BWLIMIT']) {
      await desk.run(['doctor'], { env: { ...desk.env, [`RECORDUPLOAD_${name}`]: EVIL } });
    }
    expect(obeyed(desk)).toEqual([]);
    expect(desk.runs().filter(({ code }) => code === 1)).toEqual([]);
  }, 60_000);

  test.each(['.recorduploadrc', '.env', 'package.json'])('in %s is shown', async name => {
    const desk = openDesk(sandbox);
    const texts: Record<string, string> = {
      '.recorduploadrc': JSON.stringify({ [`bu${EVIL}`]: EVIL, region: EVIL, user: { name: EVIL }, bucket: EVIL }),
      '.env': `RECORDUPLOAD_${EVIL_NAME}=1\nRECORDUPLOAD_REGION=${EVIL_NAME}\nRECORDUPLOAD_BUKKET=${EVIL}\n`,
      'package.json': JSON.stringify({ recordupload: { [`x${EVIL}`]: EVIL, webhook: { url: `http://${EVIL}` } } }),
    };
    writeFileSync(join(desk.cwd, name), texts[name] ?? '', { mode: 0o600 });
    for (const args of [['config', 'validate'], ['config', 'show'], ['config', 'path'], ['doctor'], ['status']]) {
      await desk.run(args);
    }
    expect(obeyed(desk)).toEqual([]);
  });

  test('in what the recordings server answers is shown', async () => {
    for (const body of [
      JSON.stringify({ status: 'error', message: `no ${EVIL}` }),
      `<!doctype html><title>No ${EVIL}</title>`,
      EVIL,
      JSON.stringify({ detail: EVIL }),
    ]) {
      const answer = { status: 400, headers: { server: 'ngi\u009bnx' }, body };
      const fault = sandbox.faults.add({ server: 'webhook', times: Number.POSITIVE_INFINITY, action: { answer } });
      const desk = openDesk(sandbox);
      await desk.run(['upload', makeRecording({ name: '82' }), '--force', '--verbose']);
      for (const args of [['webhook', 'test'], ['webhook', 'history', '82'], ['status', '82'], ['logs'], ['doctor']]) {
        await desk.run(args);
      }
      fault.remove();
      expect(obeyed(desk)).toEqual([]);
    }
  }, 60_000);

  test('in what a store answers is shown', async () => {
    const encoded = [...EVIL].map(c => `&#${c.codePointAt(0)};`).join('');
    const answers = [
      { status: 403, body: `<Error><Code>Access${encoded}</Code><Message>no ${encoded}</Message></Error>` },
      { status: 403, body: `<Error><Code>AccessDenied</Code><Message>no ${encoded}</Message></Error>` },
      { status: 301, body: `<Error><Code>PermanentRedirect</Code><Endpoint>${encoded}</Endpoint></Error>` },
      { status: 200, headers: { etag: '"a\u009b31m\u00ad"', 'x-amz-meta-recordupload-checksums': '\u009b31m' } },
      {
        status: 200,
        body: `<ListBucketResult><Contents><Key>83/x${encoded}</Key></Contents></ListBucketResult>`,
      },
      {
        status: 200,
        body: `<ListMultipartUploadsResult><Upload><Key>83/x${encoded}</Key><UploadId>${encoded}</UploadId></Upload></ListMultipartUploadsResult>`,
      },
    ];
    for (const answer of answers) {
      const headers = { 'content-type': 'application/xml', ...answer.headers };
      const fault = sandbox.faults.add({
        server: 's3',
        times: Number.POSITIVE_INFINITY,
        action: { answer: { ...answer, headers } },
      });
      const desk = openDesk(sandbox, { RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '0s' });
      const dir = makeRecording({ name: '83' });
      for (const args of [
        ['upload', dir, '--verbose'],
        ['verify', dir],
        ['webhook', 'send', '83'],
        ['cleanup'],
        ['doctor'],
      ]) {
        await desk.run(args);
      }
      fault.remove();
      expect(obeyed(desk)).toEqual([]);
    }
  }, 60_000);

  test('in the ETag of an object is shown', async () => {
    const dir = makeRecording({ name: '86' });
    await openDesk(sandbox).run(['upload', dir]);
    const front = createServer((request, response) => {
      const { method, url, headers } = request;
      const onward = forward(new URL(url ?? '', sandbox.s3.url), { method, headers });
      onward.on('response', answer => {
        const etag = url?.includes('video') ? { etag: '"\u009b31m\u00ad"' } : {};
        response.writeHead(answer.statusCode ?? 500, { ...answer.headers, ...etag });
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    await new Promise<void>(resolve => front.listen(0, '127.0.0.1', resolve));
    const { port } = front.address() as AddressInfo;
    const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: `http://127.0.0.1:${port}` });
    const { stdout } = await desk.run(['verify', '86']);
    front.close();
    expect(stdout).toContain('differs: the object was replaced since (its ETag is \\u009b');
    expect(obeyed(desk)).toEqual([]);
  });

  test('does not reach a real terminal, the spinner included', async () => {
    const fault = sandbox.faults.add({ server: 's3', operation: 'PutObject', action: { delayMs: 300 } });
    const desk = openDesk(sandbox);
    const { result } = runInTerminal(['upload', evilRecording(), '--id', '84'], { cwd: desk.cwd, env: desk.env });
    const { screen } = await result;
    fault.remove();
    expect(screen).toContain('84/video');
    expect(screen).not.toMatch(/\]0;pwned\u0007|[\u0080-\u009f\u202e\u2028\u200b]/);
  });
});

describe('A command that is shown to be run next', () => {
  test('names a folder so that a shell reads its name back', async () => {
    const parent = join(tempDir(), `it's 3${EVIL_NAME}`);
    mkdirSync(parent);
    cpSync(makeRecording(), join(parent, '85'), { recursive: true });
    const { stderr } = await openDesk(sandbox).run(['upload', parent]);
    const [, word] = /recordupload upload --recursive (\S+)\)/.exec(stderr.replaceAll(' 3', '·3')) ?? [];
    const env = { LC_ALL: 'C.UTF-8' };
    const read = execFileSync('bash', ['-c', `printf %s ${word?.replaceAll('·', ' ')}`], { encoding: 'utf8', env });
    expect(read).toBe(parent);
  });
});
