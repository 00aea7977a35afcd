import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId } from '../support/make-recording.ts';
import { startWorker, until } from './support.ts';

/* The worker beside real recorders: Debian's ffmpeg, which writes in real time. */

const sandbox = await openSandbox();

interface Recorder {
  name: string;
  /** Options of ffmpeg for the output. */
  output: readonly string[];
  /** The name while it is written; another one than at the end unless it is the same. */
  as?: string;
}

const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10'];
const RECORDERS: readonly Recorder[] = [
  { name: 'video.mkv', output: FAST },
  { name: 'video.mp4', output: [...FAST, '-movflags', '+frag_keyframe+empty_moov'] },
  { name: 'video.mp4', output: FAST },
  { name: 'video.mp4', output: [...FAST, '-movflags', '+faststart'] },
  { name: 'video.webm', output: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8'] },
  { name: 'video.mkv', output: [...FAST, '-f', 'matroska'], as: 'video.mkv.part' },
];

/** Records some seconds of a test picture. */
async function record(dir: string, { name, output, as = name }: Recorder): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const input = ['-re', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10', '-t', '4'];
  const child = spawn('ffmpeg', ['-loglevel', 'error', ...input, ...output, join(dir, as)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  expect(status).toBe(0);
  if (as !== name) renameSync(join(dir, as), join(dir, name));
}

describe('recorders', () => {
  test('of all kinds: each video is uploaded once, after its end, byte for byte', async () => {
    const worker = await startWorker(sandbox);
    const recordings = RECORDERS.map(recorder => {
      const id = freshId();
      return { ...recorder, id, dir: join(worker.root, id) };
    });
    await Promise.all(
      recordings.map(async recording => {
        await record(recording.dir, recording);
        // What ffmpeg has not closed yet was never complete.
        expect(worker.desk.log().filter(line => line.includes('changed'))).toEqual([]);
      }),
    );
    for (const { id } of recordings) await worker.prints(`✔ ${id}: uploaded 1 file`);
    await until('all webhooks are sent', () => recordings.every(({ id }) => webhooksOf(sandbox, id).length > 0));
    for (const { id, dir, name } of recordings) {
      expect((await sandbox.s3.read(`${id}/${name}`)).equals(readFileSync(join(dir, name)))).toBe(true);
      expect(webhooksOf(sandbox, id)).toHaveLength(1);
    }
    const log = worker.desk.log();
    expect(log.filter(line => line === 'recording finished')).toHaveLength(recordings.length);
    expect(log).not.toContain('recording changed after it was finished');
    expect(log).not.toContain('upload incomplete');
  });
});
