import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import {
  ALL,
  clockShift,
  contentOf,
  expectKept,
  expectRemoved,
  hooked,
  json,
  logged,
  namesIn,
  uploaded,
} from './support.ts';

/*
 * Local files are removed (`deleteAfter`) only if every condition is met. For each condition there is a test in which it
 * alone is not: nothing is removed then. Where it can be met again, the same test shows that the files are removed.
 */

const sandbox = await openSandbox({ s3: { buckets: ['other'] } });
const always = Number.POSITIVE_INFINITY;
const HOUR = 3_600_000;

afterEach(() => sandbox.faults.clear());

function client() {
  const { url: endpoint, accessKeyId, secretAccessKey } = sandbox.s3;
  return new S3Client({
    endpoint,
    region: 'us-west-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
}

async function put(key: string, body: Buffer, metadata: Record<string, string> = {}): Promise<void> {
  const s3 = client();
  await s3.send(new PutObjectCommand({ Bucket: sandbox.s3.bucket, Key: key, Body: body, Metadata: metadata }));
  s3.destroy();
}

test('every condition is met: the files and the folder are removed, and the log names each', async () => {
  const one = await uploaded(sandbox);
  const { stdout, stderr } = await expectRemoved(one);
  expect(stdout).toContain('removed the local files of 1 recording');
  expect(stderr).toContain(`${one.id}: its local files were removed from ${one.dir}`);
  expect(logged(one, 'local file removed')).toBe(ALL.length);
  expect(logged(one, 'local files removed')).toBe(1);
  const listed = json<{ recordings: { localRemovedAt: string | null }[] }>(await one.desk.run(['list', '--json']));
  expect(listed.result.recordings[0]?.localRemovedAt).toEqual(expect.stringMatching(/^2/));
  expect((await one.desk.run(['status'])).stdout).toContain('1 done (1 removed here)');
});

test('deleteAfter is not set: nothing is ever removed', async () => {
  await expectKept(await uploaded(sandbox, { env: { RECORDUPLOAD_DELETE_AFTER: undefined } }));
  await expectKept(await uploaded(sandbox, { env: { RECORDUPLOAD_DELETE_AFTER: 'never' } }));
});

describe('the bucket', () => {
  test.each(ALL)('has no %s', async name => {
    const one = await uploaded(sandbox);
    const content = readFileSync(join(one.dir, name));
    const s3 = client();
    await s3.send(new DeleteObjectCommand({ Bucket: sandbox.s3.bucket, Key: `${one.id}/${name}` }));
    s3.destroy();
    const { stderr } = await expectKept(one);
    expect(stderr).toContain(`${one.id}/${name} is not in the bucket`);
    await put(`${one.id}/${name}`, content);
    await expectKept(one);
  });

  test('has another size', async () => {
    const one = await uploaded(sandbox);
    await put(`${one.id}/video.mkv`, Buffer.concat([readFileSync(join(one.dir, 'video.mkv')), Buffer.from('.')]));
    expect((await expectKept(one)).stderr).toContain('bytes in the bucket instead of');
  });

  test('has other bytes of the same size, even with the token of our upload', async () => {
    const one = await uploaded(sandbox);
    const key = `${one.id}/video.mkv`;
    const object = sandbox.s3.objects().find(found => found.key === key);
    const other = readFileSync(join(one.dir, 'video.mkv'));
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
    await put(key, other, object?.metadata);
    expect((await expectKept(one)).stderr).toContain(`${key} was replaced in the bucket`);
  });

  test('has the same bytes from another upload', async () => {
    const one = await uploaded(sandbox);
    await put(`${one.id}/video.mkv`, readFileSync(join(one.dir, 'video.mkv')));
    expect((await expectKept(one)).stderr).toContain('was replaced in the bucket by another upload');
    expect((await one.desk.run(['upload', one.dir, '--id', one.id, '--force'])).code).toBe(0);
    await expectRemoved(one);
  });

  test('is another one than the one that the recording was uploaded to', async () => {
    const one = await uploaded(sandbox);
    const before = contentOf(one.dir);
    const env = { RECORDUPLOAD_BUCKET: 'other' };
    expect((await one.desk.run(['retry'], { env })).code).toBe(0);
    expect((await one.desk.run(['cleanup', 'local', '--older-than', '0s'], { env })).code).toBe(0);
    expect(contentOf(one.dir)).toEqual(before);
    await expectRemoved(one);
  });

  test('cannot be reached', async () => {
    const one = await uploaded(sandbox);
    const down = { RECORDUPLOAD_ENDPOINT: sandbox.s3.url };
    const fault = sandbox.faults.add({ server: 's3', times: always, action: { drop: 'before' } });
    const first = await one.desk.run(['retry'], { env: down });
    const second = await one.desk.run(['retry'], { env: down });
    fault.remove();
    expect({ codes: [first.code, second.code], names: namesIn(one.dir) }).toEqual({ codes: [0, 0], names: ALL });
    expect(logged(one, 'local files kept')).toBe(1);
    await expectRemoved(one);
  });

  test('refuses every look (403): said once', async () => {
    const one = await uploaded(sandbox);
    sandbox.s3.deny(['HeadObject', 'GetObject']);
    const { stderr } = await expectKept(one);
    await expectKept(one);
    const explicit = await one.desk.run(['cleanup', 'local']);
    sandbox.s3.deny([]);
    expect(stderr).toContain(`the access key may not look at ${one.id}/`);
    expect(logged(one, 'local files kept')).toBe(1);
    expect(explicit).toMatchObject({ code: 4, stdout: expect.stringContaining('not all were looked at') as unknown });
    await expectRemoved(one);
  });

  test('was asked with a key that could not look, so that nothing proves the upload', async () => {
    sandbox.s3.deny(['HeadObject', 'GetObject']);
    const desk = openDesk(sandbox, { RECORDUPLOAD_DELETE_AFTER: '0s' });
    const id = freshId();
    const dir = makeRecording({ name: id });
    expect((await desk.run(['upload', dir, '--quiet'])).code).toBe(0);
    await expectKept({ desk, id, dir });
    sandbox.s3.deny([]);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(namesIn(dir).length === 0 || namesIn(dir).length === ALL.length).toBe(true);
    for (const name of ALL) expect(await sandbox.s3.read(`${id}/${name}`)).toBeInstanceOf(Buffer);
  });

  test('no access keys are configured', async () => {
    const one = await uploaded(sandbox);
    const env = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    await one.desk.run(['retry'], { env });
    expect(namesIn(one.dir)).toEqual(ALL);
  });
});

describe('the webhook', () => {
  test('waits', async () => {
    const fault = sandbox.faults.add({ server: 'webhook', times: always, action: { answer: { status: 503 } } });
    const one = await uploaded(sandbox);
    await expectKept(one);
    fault.remove();
    expect((await one.desk.run(['retry', '--now'])).code).toBe(0);
    expect(existsSync(one.dir)).toBe(false);
  });

  test('is held', async () => {
    const fault = sandbox.faults.add({ server: 'webhook', times: always, action: { answer: { status: 400 } } });
    const one = await uploaded(sandbox);
    await expectKept(one, { code: 5 });
    fault.remove();
    await expectKept(one, { code: 5 });
    expect((await one.desk.run(['retry', '--held'])).code).toBe(0);
    expect(existsSync(one.dir)).toBe(false);
  });

  test('was discarded by an operator: the endpoint has none', async () => {
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
    const one = await uploaded(sandbox);
    await expectKept(one, { code: 5 });
    expect((await one.desk.run(['webhook', 'discard', one.id])).code).toBe(0);
    await expectKept(one);
    const { stdout } = await one.desk.run(['cleanup', 'local', '--dry-run']);
    expect(stdout).toContain(`was discarded; to send one: recordupload webhook send ${one.id}`);
    expect((await one.desk.run(['webhook', 'send', one.id])).code).toBe(0);
    await expectRemoved(one);
  });

  const endpoints = (...names: string[]) => ({
    WEBHOOK_URL: undefined,
    WEBHOOK_TOKEN: undefined,
    ...Object.fromEntries(
      names.map(name => [`RECORDUPLOAD_WEBHOOKS_${name.toUpperCase()}_TOKEN`, sandbox.receiver.token]),
    ),
  });
  const configOf = (...names: string[]) =>
    JSON.stringify({ webhooks: names.map(name => ({ name, url: sandbox.receiver.url })) });

  test('reached only one of two endpoints', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_DELETE_AFTER: '0s', ...endpoints('ops', 'archive') });
    const config = join(desk.cwd, 'two.json');
    writeFileSync(config, configOf('ops', 'archive'), { mode: 0o600 });
    const id = freshId();
    const dir = makeRecording({ name: id });
    const fault = sandbox.faults.add({ server: 'webhook', from: 2, action: { answer: { status: 503 } } });
    expect((await desk.run(['upload', dir, '--config', config])).code).toBe(0);
    expect((await desk.run(['retry', '--config', config])).code).toBe(0);
    expect({ hits: fault.hits(), names: namesIn(dir) }).toEqual({ hits: 1, names: ALL });
    expect((await desk.run(['retry', '--now', '--config', config])).code).toBe(0);
    expect(existsSync(dir)).toBe(false);
  });

  test('was never sent to an endpoint that was configured later', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_DELETE_AFTER: '0s', ...endpoints('ops', 'archive') });
    const [config, later] = [join(desk.cwd, 'one.json'), join(desk.cwd, 'two.json')];
    writeFileSync(config, configOf('ops'), { mode: 0o600 });
    writeFileSync(later, configOf('ops', 'archive'), { mode: 0o600 });
    const id = freshId();
    const dir = makeRecording({ name: id });
    expect((await desk.run(['upload', dir, '--config', config])).code).toBe(0);
    expect((await desk.run(['retry', '--config', later])).code).toBe(0);
    expect(namesIn(dir)).toEqual(ALL);
    const { stdout } = await desk.run(['cleanup', 'local', '--dry-run', '--config', later]);
    expect(stdout).toContain(
      `no webhook was sent to archive; to send one: recordupload webhook send --config ${later} ${id}`,
    );
    expect((await desk.run(['webhook', 'send', id, '--config', later])).code).toBe(0);
    expect((await desk.run(['retry', '--config', later])).code).toBe(0);
    expect(existsSync(dir)).toBe(false);
  });

  test('was not wanted (--no-webhook): the files are kept until one is sent', async () => {
    const one = await uploaded(sandbox, { args: ['--no-webhook'] });
    await expectKept(one);
    expect((await one.desk.run(['webhook', 'send', one.id])).code).toBe(0);
    await expectRemoved(one);
  });

  test('was delivered before the recording was uploaded again without one', async () => {
    const one = await uploaded(sandbox);
    appendFileSync(join(one.dir, 'transcript.txt'), 'Ada: one more thing.\n');
    const again = ['upload', one.dir, '--finished', '--no-webhook', '--quiet'];
    expect((await one.desk.run(again)).code).toBe(0);
    await expectKept(one);
  });

  test('was delivered so long ago that it was pruned: it still counts', async () => {
    const one = await uploaded(sandbox);
    expect((await one.desk.run(['prune', '--older-than', '0s'])).code).toBe(0);
    await expectRemoved(one);
  });
});

describe('the age', () => {
  test('is not reached; an upload that finds all unchanged does not renew it', async () => {
    const one = await uploaded(sandbox, { env: { RECORDUPLOAD_DELETE_AFTER: '1h' } });
    await expectKept(one);
    const almost = await one.desk.run(['retry'], { env: clockShift(HOUR - 120_000) });
    expect({ code: almost.code, names: namesIn(one.dir) }).toEqual({ code: 0, names: ALL });
    const unchanged = await one.desk.run(['upload', one.dir], { env: clockShift(HOUR - 120_000) });
    expect(unchanged.code).toBe(0);
    const { code } = await one.desk.run(['retry'], { env: clockShift(HOUR + 1_000) });
    expect({ code, folder: existsSync(one.dir) }).toEqual({ code: 0, folder: false });
  });

  test('is not known, because the clock was set back since', async () => {
    const env = clockShift(24 * HOUR);
    const desk = openDesk(sandbox, { RECORDUPLOAD_DELETE_AFTER: '0s' });
    const id = freshId();
    const dir = makeRecording({ name: id });
    expect((await desk.run(['upload', dir, '--finished'], { env })).code).toBe(0);
    await expectKept({ desk, id, dir });
    expect((await desk.run(['cleanup', 'local', '--dry-run'])).stdout).not.toContain('would remove');
  });

  test('is wrong, because the clock was wrong when the recording was uploaded: the store knows better', async () => {
    const env = clockShift(-24 * HOUR);
    const desk = openDesk(sandbox, { RECORDUPLOAD_DELETE_AFTER: '12h' });
    const id = freshId();
    const dir = makeRecording({ name: id });
    expect((await desk.run(['upload', dir, '--finished'], { env })).code).toBe(0);
    await expectKept({ desk, id, dir });
    expect((await desk.run(['cleanup', 'local', '--dry-run'])).stdout).toMatch(/was stored .* ago, not 12 h/);
    const { code } = await desk.run(['retry'], { env: clockShift(13 * HOUR) });
    expect({ code, folder: existsSync(dir) }).toEqual({ code: 0, folder: false });
  });
});

describe('the folder', () => {
  test.each(ALL)('%s has other bytes of the same size: all are kept, said once', async name => {
    const one = await uploaded(sandbox);
    const file = join(one.dir, name);
    const own = readFileSync(file);
    const other = Buffer.from(own);
    other[0] = (other[0] ?? 0) ^ 1;
    writeFileSync(file, other);
    const { stderr } = await expectKept(one);
    expect(stderr).toContain(`${file} is not the file that was uploaded`);
    expect((await expectKept(one)).stderr).not.toContain('kept');
    expect(logged(one, 'local files kept')).toBe(1);
    expect((await one.desk.run(['status', one.id])).stdout).toContain(`local files kept: ${file}`);
    writeFileSync(file, own);
    await expectRemoved(one);
  });

  test('a file grew', async () => {
    const one = await uploaded(sandbox);
    appendFileSync(join(one.dir, 'transcript.txt'), 'more');
    await expectKept(one);
  });

  test('a file that was only touched counts as it is: its bytes were uploaded', async () => {
    const one = await uploaded(sandbox);
    const file = join(one.dir, 'video.mkv');
    const content = readFileSync(file);
    unlinkSync(file);
    writeFileSync(file, content);
    await expectRemoved(one);
  });

  test('a further file, and what the sidecar knows, are kept with the folder', async () => {
    const dir = makeRecording({ files: { 'notes.txt': 'mine', 'recording.json': '{"title":"Weekly"}' } });
    const one = await uploaded(sandbox, { dir });
    const { code, stderr } = await one.desk.run(['retry']);
    expect({ code, content: Object.keys(contentOf(dir)) }).toEqual({
      code: 0,
      content: ['notes.txt', 'recording.json'],
    });
    expect(stderr).toContain('kept, because it was not uploaded: notes.txt, recording.json');
    expect((await one.desk.run(['retry'])).stderr).not.toContain('kept');
    expect(logged(one, 'local files removed')).toBe(1);
  });

  test('a file that an upload would send, and none has sent, keeps all of them', async () => {
    const one = await uploaded(sandbox);
    const env = { RECORDUPLOAD_EXTRA_FILES: '*.pdf' };
    writeFileSync(join(one.dir, 'slides.pdf'), 'late');
    const before = contentOf(one.dir);
    const { stderr } = await one.desk.run(['retry'], { env });
    expect(contentOf(one.dir)).toEqual(before);
    expect(stderr).toContain('slides.pdf is not uploaded');
    expect((await one.desk.run(['upload', one.dir, '--finished', '--quiet'], { env })).code).toBe(0);
    expect((await one.desk.run(['retry'], { env })).code).toBe(0);
    expect(existsSync(one.dir)).toBe(false);
  });

  test('a file was replaced by a link to the same bytes', async () => {
    const one = await uploaded(sandbox);
    const file = join(one.dir, 'video.mkv');
    const elsewhere = join(one.desk.home, 'video.mkv');
    renameSync(file, elsewhere);
    symlinkSync(elsewhere, file);
    const { stderr } = await one.desk.run(['retry']);
    expect(stderr).toContain('links are never removed');
    expect({ names: namesIn(one.dir), target: existsSync(elsewhere) }).toEqual({ names: ALL, target: true });
  });

  test('was replaced by a link to a folder with the same files', async () => {
    const one = await uploaded(sandbox);
    const moved = `${one.dir}-moved`;
    renameSync(one.dir, moved);
    symlinkSync(moved, one.dir);
    const { stderr } = await one.desk.run(['retry']);
    expect(stderr).toContain('was replaced by another file, or a link');
    expect(namesIn(moved)).toEqual(ALL);
  });

  test('a folder above it was replaced by a link', async () => {
    const parent = join(openDesk(sandbox).home, 'recordings');
    const one = await uploaded(sandbox, { dir: makeRecording({ parent }) });
    renameSync(parent, `${parent}-moved`);
    symlinkSync(`${parent}-moved`, parent);
    await one.desk.run(['retry']);
    expect(namesIn(one.dir)).toEqual(ALL);
  });

  test('was replaced by another recording', async () => {
    const one = await uploaded(sandbox);
    const before = `${one.dir}-before`;
    renameSync(one.dir, before);
    makeRecording({ name: one.id, parent: join(one.dir, '..'), videoBytes: 40_000 });
    await expectKept(one);
    expect(namesIn(before)).toEqual(ALL);
  });

  test('is gone: nothing is said of it, and it is not said to be removed', async () => {
    const one = await uploaded(sandbox);
    rmSync(one.dir, { recursive: true });
    expect(await one.desk.run(['retry'])).toMatchObject({ code: 0, stderr: '' });
    expect((await one.desk.run(['status', one.id])).stdout).not.toContain('local files');
  });

  test('is the root of a watch: it stays, empty', async () => {
    const one = await uploaded(sandbox);
    const env = { RECORDUPLOAD_WATCH_ROOTS: one.dir };
    expect((await one.desk.run(['retry'], { env })).code).toBe(0);
    expect({ there: existsSync(one.dir), names: namesIn(one.dir) }).toEqual({ there: true, names: [] });
  });
});

describe('another upload', () => {
  test('of the recording is under way in another process', async () => {
    const one = await uploaded(sandbox);
    const fault = sandbox.faults.add({ server: 's3', operation: 'HeadObject', action: { hang: 'before' } });
    const uploading = one.desk.start(['upload', one.dir, '--progress', 'json']);
    await uploading.prints('recording-started');
    await expectKept(one);
    expect((await one.desk.run(['cleanup', 'local'])).code).toBe(0);
    expect(namesIn(one.dir)).toEqual(ALL);
    uploading.kill('SIGKILL');
    await uploading.result;
    fault.remove();
    expect((await one.desk.run(['retry'])).code).toBe(0);
    expect(existsSync(one.dir)).toBe(false);
  });

  test('of the folder, under another id, is not done', async () => {
    const one = await uploaded(sandbox);
    const other = freshId();
    const refuse = { answer: { status: 403, code: 'AccessDenied' } };
    const fault = sandbox.faults.add({
      server: 's3',
      operation: 'PutObject',
      key: `${other}/*`,
      times: always,
      action: refuse,
    });
    expect((await one.desk.run(['upload', one.dir, '--id', other, '--quiet'])).code).toBe(4);
    await expectKept(one, { code: 4 });
    fault.remove();
    const { code, stdout, stderr } = await one.desk.run(['retry']);
    expect({ code, folder: existsSync(one.dir), stderr }).toMatchObject({ code: 0, folder: false });
    expect(stdout).toContain('removed the local files of 1 recording');
    expect(stderr).not.toContain('kept');
  });

  test('of the folder, under another id, is done, but its webhook is not delivered', async () => {
    const one = await uploaded(sandbox);
    const other = freshId();
    const fault = sandbox.faults.add({ server: 'webhook', times: always, action: { answer: { status: 503 } } });
    expect((await one.desk.run(['upload', one.dir, '--id', other, '--quiet'])).code).toBe(0);
    await expectKept(one);
    const { stdout } = await one.desk.run(['cleanup', 'local', '--dry-run']);
    expect(stdout).toContain(`${other}/ as well; of that recording, the webhook to`);
    fault.remove();
    expect((await one.desk.run(['retry', '--now'])).code).toBe(0);
    expect(existsSync(one.dir)).toBe(false);
  });

  test('cannot begin while the files are removed', async () => {
    const one = await uploaded(sandbox);
    const pid = process.pid;
    const env = hooked(`
      const { renameSync } = fs;
      fs.renameSync = (from, to) => {
        if (String(from).endsWith('video.mkv')) {
          process.stderr.write('removing now\\n');
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
        }
        return renameSync(from, to);
      };`);
    expect(pid).toBeGreaterThan(0);
    const removing = one.desk.start(['retry'], { env });
    await removing.prints('removing now');
    expect((await one.desk.run(['upload', one.dir])).code).toBe(6);
    expect((await removing.result).code).toBe(0);
    expect(existsSync(one.dir)).toBe(false);
  });
});

test('the state is lost: nothing is removed', async () => {
  const one = await uploaded(sandbox);
  for (const name of ['state.db', 'state.db-wal', 'state.db-shm'])
    rmSync(join(one.desk.stateDir, name), { force: true });
  const before = contentOf(one.dir);
  await one.desk.run(['retry']);
  await one.desk.run(['cleanup', 'local', '--older-than', '0s']);
  expect(contentOf(one.dir)).toEqual(before);
});

test('deleteAfter of a file in the working folder does not count, unless it is trusted', async () => {
  const one = await uploaded(sandbox, { env: { RECORDUPLOAD_DELETE_AFTER: undefined } });
  const rc = join(one.desk.cwd, '.recorduploadrc');
  writeFileSync(rc, 'deleteAfter: 0s\n', { mode: 0o600 });
  const { code, stderr } = await one.desk.run(['retry']);
  expect({ code, names: namesIn(one.dir) }).toEqual({ code: 2, names: ALL });
  expect(stderr).toContain(
    'may not have local files removed: if you trust it, run recordupload config trust .recorduploadrc',
  );
  writeFileSync(rc, 'deleteAfter: never\n', { mode: 0o600 });
  await expectKept(one);
  rmSync(rc);
  writeFileSync(join(one.desk.cwd, '.env'), 'RECORDUPLOAD_DELETE_AFTER=0s\n', { mode: 0o600 });
  expect((await one.desk.run(['retry'])).code).toBe(2);
  expect(namesIn(one.dir)).toEqual(ALL);
  expect((await one.desk.run(['config', 'trust', '.env'])).code).toBe(0);
  await expectRemoved(one);
});

test.each(['0', '7', 'off', '-1d', 'soon'])('deleteAfter: %s is refused', async text => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_DELETE_AFTER: text });
  const { code, stderr } = await desk.run(['retry']);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('a duration such as 7d or 12h, or never') as unknown,
  });
});
