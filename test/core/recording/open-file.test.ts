import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { FileReplaced, openFound } from '../../../src/core/recording/open-file.ts';
import { readFolder } from '../../../src/core/recording/read-folder.ts';
import { readSidecar } from '../../../src/core/recording/sidecar.ts';
import { find, makeRecording, read, tempFolder } from './support.ts';

let home: string;
let folder: string;
let video: string;
let secret: string;

beforeEach(() => {
  home = tempFolder();
  folder = join(home, '42');
  video = join(folder, 'video.mkv');
  secret = join(home, 'secret');
  mkdirSync(folder);
  writeFileSync(video, 'a video');
  writeFileSync(secret, 'a secret');
});

const openFiles = () => readdirSync('/proc/self/fd').length;

test('a file that nobody touched is opened', () => {
  const fd = openFound(find(video));
  expect(readFileSync(fd, 'utf8')).toBe('a video');
  closeSync(fd);
});

/** What somebody who may write to the folder can do after the folder was read. */
const EXCHANGES: [string, () => void][] = [
  [
    'a link to a private file',
    () => {
      renameSync(video, join(home, 'old'));
      symlinkSync(secret, video);
    },
  ],
  [
    'a private file itself',
    () => {
      renameSync(secret, video);
    },
  ],
  [
    'a named pipe that nobody writes to',
    () => {
      renameSync(video, join(home, 'old'));
      execFileSync('mkfifo', [video]);
    },
  ],
  [
    'a folder',
    () => {
      renameSync(video, join(home, 'old'));
      mkdirSync(video);
    },
  ],
  [
    'the same file by way of a folder that became a link',
    () => {
      mkdirSync(join(home, 'elsewhere'));
      linkSync(video, join(home, 'elsewhere/video.mkv'));
      renameSync(folder, join(home, 'old'));
      symlinkSync(join(home, 'elsewhere'), folder);
    },
  ],
];

describe('a file that was exchanged is not read', () => {
  test.each(EXCHANGES)('for %s', (_, exchange) => {
    const found = find(video);
    const before = openFiles();
    exchange();
    expect(() => openFound(found)).toThrow(FileReplaced);
    expect(openFiles()).toBe(before);
  });

  test('a sidecar neither: its text would reach a message or the server', () => {
    const sidecar = join(folder, 'recording.json');
    writeFileSync(sidecar, '{}');
    const found = find(sidecar);
    renameSync(sidecar, join(home, 'old'));
    writeFileSync(secret, '{"title":"private"}');
    symlinkSync(secret, sidecar);
    expect(() => readSidecar(folder, 'recording.json', found)).toThrow(
      'recording.json was replaced by another file while it was being read',
    );
  });

  test('a video whose duration is measured neither', async () => {
    const dir = makeRecording();
    const path = join(dir, 'video.mkv');
    const clock = {
      monotonic: () => {
        // Between the look at the folder and the reading of the video.
        renameSync(path, join(home, 'old'));
        symlinkSync(secret, path);
        clock.monotonic = () => 0;
        return 0;
      },
    };
    await expect(read(dir, { deps: { clock } })).rejects.toMatchObject({
      code: 'RECORDING',
      message: expect.stringContaining('video.mkv was replaced by another file'),
    });
  });
});

test('what the folder’s reader found is what is opened', () => {
  const [file] = readFolder(makeRecording(), []).files;
  const fd = openFound(file!);
  expect(String(fstatSync(fd, { bigint: true }).ino)).toBe(file!.inode);
  closeSync(fd);
});
