import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

/** How ffmpeg writes a recording, each in the manner of a kind of recorder. Debian's package is `ffmpeg`. */
export const CONTAINERS = {
  /** The head is written again at the end: duration, and where the cues are. */
  Matroska: { name: 'video.mkv', args: ['-f', 'matroska'] },
  'fragmented MP4': {
    name: 'video.mp4',
    args: ['-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
  },
  /** The size of the media is filled in at the end, then `moov` follows. */
  'MP4, moov at the end': { name: 'video.mp4', args: ['-f', 'mp4'] },
  WebM: { name: 'video.webm', args: ['-f', 'webm'] },
  /** At the end the whole file moves back, to make room for `moov`. */
  'MP4, fast start': { name: 'video.mp4', args: ['-f', 'mp4', '-movflags', '+faststart'] },
} as const satisfies Record<string, { name: string; args: readonly string[] }>;

export type Container = keyof typeof CONTAINERS;

const QUIET = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'];
const CLIP_SECONDS = 2;
const CLIP_BITS_PER_SECOND = 80e6;

/** Two seconds of VP9, which all of the containers take, with about 10 MB a second. */
export interface Clip {
  path: string;
  bytesPerSecond: number;
}

/** @throws Error that says what to install */
export function makeClip(folder: string): Clip {
  const path = join(folder, 'clip.webm');
  const picture = 'testsrc2=size=1280x720:rate=30,noise=alls=100:allf=t';
  const rate = String(CLIP_BITS_PER_SECOND);
  const video = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-row-mt', '1', '-g', '30'];
  const rates = ['-b:v', rate, '-minrate', rate, '-maxrate', rate];
  const made = ['-f', 'lavfi', '-i', picture, '-t', String(CLIP_SECONDS), ...video, ...rates, path];
  const { status, stderr, error } = spawnSync('ffmpeg', [...QUIET, ...made], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ffmpeg is needed (Debian: apt-get install ffmpeg): ${error?.message ?? stderr}`);
  return { path, bytesPerSecond: statSync(path).size / CLIP_SECONDS };
}

/** A recorder at work. */
export interface Writer {
  path: string;
  child: ChildProcess;
  /** Resolves once it has closed the file and ended, with its exit status; null: it was killed. */
  ended: Promise<number | null>;
}

/**
 * Records into a folder that exists.
 * @param options.bytes about how much
 * @param options.bytesPerSecond how fast
 */
export function startWriter(
  container: Container,
  dir: string,
  clip: Clip,
  { bytes, bytesPerSecond }: { bytes: number; bytesPerSecond: number },
): Writer {
  const { name, args } = CONTAINERS[container];
  const path = join(dir, name);
  const pace = ['-readrate', String(bytesPerSecond / clip.bytesPerSecond)];
  const seconds = ['-t', String(bytes / clip.bytesPerSecond)];
  const source = [...pace, '-stream_loop', '-1', '-i', clip.path];
  const child = spawn('ffmpeg', [...QUIET, ...source, ...seconds, '-c', 'copy', ...args, path], { stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  return { path, child, ended };
}
