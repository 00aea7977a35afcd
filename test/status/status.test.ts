import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { fingerprintOf } from '../../src/core/delivery/refusal.ts';
import type { RecordingId } from '../../src/core/recording/recording.ts';
import { openState, type State } from '../../src/state/open.ts';
import { claimedOf } from '../state/conformance/facts.ts';
import { openDesk, openSandbox, readJson } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

const sandbox = await openSandbox();
const TARGET = `${sandbox.s3.url}/${sandbox.s3.bucket}`;
const HOUR_MS = 3_600_000;

interface Overview {
  hasState: boolean;
  counts: Record<string, number>;
  alarms: { kind: string }[];
  uploads: {
    id: string;
    state: string;
    pid: number | null;
    files: { name: string; partsDone: number; parts: number }[];
  }[];
  webhooks: { recordingId: string; state: string }[];
}

/** Puts an upload into the state that has sent one of three parts; `close` ends the process that is at work on it. */
async function beginUpload({ journal }: State, id: string, since: number): Promise<void> {
  const details = { title: 'A meeting', createdAt: '2026-01-02 03:04:05.000000', user: {} };
  const recording = { id: id as RecordingId, dir: `/recordings/${id}`, files: [], skipped: [], details };
  await journal.begin(TARGET, recording, { webhooks: true, now: since });
  const identity = { name: 'video.mkv', sizeBytes: 25_000_000, mtimeNs: '1', inode: '1' };
  const upload = { ...identity, uploadId: 'u1', token: 't1', askedAt: null, partSizeBytes: 10_000_000, live: false };
  const ref = { target: TARGET, recordingId: recording.id };
  await journal.beginUpload(ref, upload, [{ number: 1, etag: 'e', sha256: 's' }], since);
}

describe('status', () => {
  test('says that there is no state yet, and makes none', async () => {
    const desk = openDesk(sandbox);
    const { code, stdout } = await desk.run(['status']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^nothing has been uploaded from here yet/),
    });
    expect(existsSync(desk.stateDir)).toBe(false);
    expect(readJson<Overview>(await desk.run(['status', '--json'])).result.hasState).toBe(false);
    expect(readdirSync(desk.home)).toEqual(['work']);
  });

  test('is content where everything is done, and changes nothing', async () => {
    const desk = openDesk(sandbox);
    await desk.run(['upload', makeRecording({ name: 's1' })]);
    const { code, result } = { ...readJson<Overview>(await desk.run(['status', '--json'])), code: 0 };
    expect(code).toBe(0);
    expect(result.counts).toMatchObject({ uploading: 0, partial: 0, done: 1, waiting: 0, held: 0, delivered: 1 });
    expect((await desk.run(['status', '--quiet'])).stdout).toBe('');
  });

  test('an upload is uploading while its process lives, and partial afterwards', async () => {
    const desk = openDesk(sandbox);
    const state = await openState(desk.stateDir);
    await beginUpload(state, 's2', Date.now());
    const during = await desk.run(['status', '--json']);
    expect(readJson<Overview>(during).result).toMatchObject({
      counts: { uploading: 1, partial: 0 },
      uploads: [
        { id: 's2', state: 'uploading', pid: process.pid, files: [{ name: 'video.mkv', partsDone: 1, parts: 3 }] },
      ],
    });
    await state.close();
    const after = await desk.run(['status']);
    expect(after.code).toBe(4);
    expect(after.stdout).toContain('video.mkv: 1 of 3 parts (33 %)');
    expect(after.stdout).toContain('next: recordupload retry');
  });

  test('with --max-age only what is unfinished for longer counts, at work or not', async () => {
    const desk = openDesk(sandbox);
    const state = await openState(desk.stateDir);
    await beginUpload(state, 's3', Date.now() - 2 * HOUR_MS);
    const [young, old] = await Promise.all([
      desk.run(['status', '--max-age', '1d']),
      desk.run(['status', '--quiet', '--max-age', '1h']),
    ]);
    await state.close();
    expect(young.code).toBe(0);
    expect(old).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('an upload unfinished for 2 h') });
  });

  test('a waiting webhook is well until it is too old, a held one never', async () => {
    const desk = openDesk(sandbox);
    const state = await openState(desk.stateDir);
    const { outbox, claims } = state;
    const request = { recordingId: 's4', payload: '{"recording_id":"s4"}', contentHash: 'h' };
    await outbox.enqueue({ ...request, endpoints: ['default'], now: Date.now() - 2 * HOUR_MS });
    expect((await desk.run(['status'])).code).toBe(0);
    expect((await desk.run(['status', '--max-age', '1h'])).code).toBe(5);
    const now = Date.now();
    const candidates = await claims.candidates({ endpoint: 'default', dueBy: now });
    const [claimed] = await claims.claim(candidates, 1, now, { restart: false });
    const refused = { outcome: 'held' as const, status: 401, error: 'refused', excerpt: null };
    await claims.settle({
      delivery: claimedOf(claimed),
      now,
      attempt: { trigger: 'retry', at: now, durationMs: 1, ...refused },
      next: { state: 'held', heldReason: 'refused', retries: 0 },
      consequence: {
        kind: 'refuse',
        fingerprint: await fingerprintOf({ url: 'https://ops.example.com/', secrets: [] }),
      },
    });
    await state.close();
    const { code, stdout } = await desk.run(['status', '--max-age', '1d']);
    expect(code).toBe(5);
    expect(stdout).toContain('refused');
    expect(stdout).toContain('next: recordupload retry --held');
  });

  test('a recording: its files, every try, the payload', async () => {
    const desk = openDesk(sandbox);
    await desk.run(['upload', makeRecording({ name: 's5' })]);
    const { code, stdout } = await desk.run(['status', 's5']);
    expect(code).toBe(0);
    for (const text of ['video.mkv: uploaded', 'status 201', '"recording_id": "s5"', `${TARGET}/s5/`]) {
      expect(stdout).toContain(text);
    }
    const unknown = await desk.run(['status', 'nobody']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('recordupload verify nobody');
  });

  test('--watch without a terminal prints what has changed, until it is interrupted', async () => {
    const desk = openDesk(sandbox);
    const running = desk.start(['status', '--watch']);
    await running.printed('nothing has been uploaded');
    await desk.run(['upload', makeRecording({ name: 's6' })]);
    await running.printed('1 done');
    running.kill('SIGINT');
    expect((await running.result).code).toBe(0);
  });

  test('what is wrong on the command line is said', async () => {
    const desk = openDesk(sandbox);
    for (const args of [
      ['--watch', '--json'],
      ['--max-age', 'soon'],
      ['--limit', 'x'],
      ['s5', '--watch'],
    ]) {
      expect((await desk.run(['status', ...args])).code).toBe(2);
    }
  });
});
