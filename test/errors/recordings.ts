import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silence } from '../../src/app/enqueue.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { OPEN_FILES_HINT } from '../../src/core/errors.ts';
import { replaced, systemProblem } from '../../src/core/recording/folder-problem.ts';
import { inspectFile } from '../../src/core/recording/inspect-file.ts';
import { objectKey } from '../../src/core/recording/object-key.ts';
import { refuseTooLarge } from '../../src/core/recording/object-size.ts';
import type { RecordingFolder } from '../../src/core/recording/read-folder.ts';
import type { RecordingId } from '../../src/core/recording/recording.ts';
import { makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';
import type { Made, Meeting } from './meeting.ts';

const exit = EXIT.recording;
type Files = Parameters<typeof makeRecording>[0];

/** A folder of the name 3 that cannot be used. */
const folder = (says: string, hint: string | undefined, files: Files, mend = (_dir: string) => {}): Meeting => ({
  says: `…/3${says}`,
  hint,
  exit,
  meet: () => {
    const dir = makeRecording({ name: '3', ...files });
    mend(dir);
    return ['upload', dir];
  },
});
const sidecar = (text: string | Buffer, says: string, hint = 'fix the field, or delete it'): Meeting =>
  folder(`/recording.json${says}`, hint, { files: { 'recording.json': text } });
const place = (says: string, hint: string, path: () => string): Meeting => ({
  says,
  hint,
  exit,
  meet: () => ['upload', path()],
});
const closed = (name: string): Meeting => ({
  says: `…/3${name && `/${name}`} may not be read by this user`,
  hint: 'check its permissions and those of the folders above',
  exit,
  asNobody: true,
  meet: () => {
    const dir = makeRecording({ name: '3', files: { 'recording.json': '{}' } });
    chmodSync(join(dir, '..'), 0o755);
    chmodSync(join(dir, name), 0o000);
    return ['upload', dir];
  },
});
const renamed = (says: string, name: string): Made => ({
  says,
  hint: 'rename the file',
  exit,
  make: () => objectKey('3' as RecordingId, name),
});
/** What no test can make a disk do. */
const system = (code: string, says: string, hint?: string): Made => ({
  says: `/3 ${says}`,
  hint,
  exit,
  make: () => systemProblem('/3', Object.assign(new Error(code), { code })),
});

export const RECORDINGS: readonly Meeting[] = [
  {
    says: '…/3: it is recording 3, and so is …/3',
    hint: 'give one of the two another ID: --id, or recording_id in its recording.json',
    exit,
    meet: () => ['upload', makeRecording({ name: '3' }), makeRecording({ name: '3' })],
  },
  {
    says: '… has no recording below it',
    hint: 'a recording is a folder with a video.mkv, video.mp4, …',
    exit,
    meet: () => ['upload', '--recursive', tempDir()],
  },
  {
    says: '…/3: the files of recording 3 were uploaded to …, verified, and removed here (deleteAfter)',
    hint: 'recordupload verify 3 shows what the bucket has',
    exit,
    meet: async desk => {
      const dir = makeRecording({ name: '3', files: { 'recording.json': '{}' } });
      await desk.run(['upload', dir, '--finished']);
      await desk.run(['cleanup', 'local', '--older-than', '0s']);
      return ['upload', dir];
    },
  },
  place('…/nowhere does not exist', 'check the path', () => join(tempDir(), 'nowhere')),
  place('…/~/3 does not exist', 'write the whole path: no shell has replaced ~', () => '~/3'),
  place('…/* does not exist', 'check the pattern: it matches nothing, or no shell has replaced it', () =>
    join(tempDir(), '*'),
  ),
  place('…/video.mkv is not a folder', 'name the folder that holds it: …/3', () =>
    join(makeRecording({ name: '3' }), 'video.mkv'),
  ),
  place('…/circle is a symbolic link that leads in a circle', 'fix or remove it', () => {
    const path = join(tempDir(), 'circle');
    symlinkSync('circle', path);
    return path;
  }),
  place('… is empty', 'put the video there as video.mkv, video.mp4, …', tempDir),
  place(
    'the folder’s name: "Weekly #3" is not a valid recording ID',
    'use 1 to 64 letters, digits, ".", "_" or "-", for example --id 42',
    () => makeRecording({ name: 'Weekly #3' }),
  ),
  {
    says: `the folder’s name, behind idPrefix: "studio-a-${'3'.repeat(60)}" is not a valid recording ID`,
    hint: 'make it or idPrefix shorter, or give an ID with --id',
    exit,
    env: { RECORDUPLOAD_ID_PREFIX: 'studio-a-' },
    meet: () => ['upload', makeRecording({ name: '3'.repeat(60) })],
  },
  {
    says: '… has no video, but the folders in it have',
    hint: 'to upload all of them: recordupload upload --recursive …',
    exit,
    meet: () => ['upload', join(makeRecording({ name: '3' }), '..')],
  },
  folder(' has no video', 'the video is named video.mkv, video.mp4, video.webm, …', { files: { 'video.mkv': null } }),
  folder(' has no video', 'rename GX01.MP4 to video.MP4', { files: { 'video.mkv': null, 'GX01.MP4': 'x' } }),
  folder(' has no video yet: video.mkv.part is not finished', 'try again once it is', {
    files: { 'video.mkv': null, 'video.mkv.part': 'x' },
  }),
  folder('/video.mkv is empty', 'wait until the recorder has written it', { videoBytes: 0 }),
  folder(' has more than one video: video.mkv, video.mp4', 'leave one video in it', { files: { 'video.mp4': 'x' } }),
  {
    ...folder(
      ' has two files of one name: Präsentation.pdf, in two Unicode forms (NFC and NFD)',
      'rename or remove one of them',
      { files: { 'Pr\u00e4sentation.pdf': 'x', 'Pra\u0308sentation.pdf': 'x' } },
    ),
    env: { RECORDUPLOAD_EXTRA_FILES: '*.pdf' },
  },
  folder(
    '/transcript.txt is a folder, not a file',
    'replace it by the file itself',
    { files: { 'transcript.txt': null } },
    dir => mkdirSync(join(dir, 'transcript.txt')),
  ),
  folder(
    '/transcript.txt is a named pipe, not a file',
    'replace it by the file itself',
    { files: { 'transcript.txt': null } },
    dir => execFileSync('mkfifo', [join(dir, 'transcript.txt')]),
  ),
  folder(
    '/transcript.txt is a symbolic link to nothing',
    'fix or remove it',
    { files: { 'transcript.txt': null } },
    dir => symlinkSync('gone', join(dir, 'transcript.txt')),
  ),
  folder(
    '/transcript.txt is a symbolic link that leads out of the folder',
    'put the file itself there: transcript.txt',
    { files: { 'transcript.txt': null } },
    dir => {
      writeFileSync(join(dir, '../private'), 'x');
      symlinkSync('../private', join(dir, 'transcript.txt'));
    },
  ),
  closed(''),
  closed('video.mkv'),
  closed('recording.json'),

  sidecar('title = 3', ' is not JSON: line 1, column 1', 'fix it there, or delete the file'),
  sidecar('['.repeat(100_000) + ']'.repeat(100_000), ': expected a JSON object'),
  sidecar('', ' is empty', 'write {} in it, or delete it'),
  sidecar(Buffer.from([0xff, 0xfe]), ' is UTF-16', 'save it as UTF-8'),
  sidecar(Buffer.from([0x22, 0xff, 0x22]), ' is not UTF-8 text', 'save it as UTF-8'),
  sidecar(' '.repeat(1_100_000), ' is larger than 1 MiB', 'a sidecar contains only the recording’s details'),
  sidecar(
    '{"title": 3, "duration_seconds": "long", "user_info": 3}',
    ': title: expected text; duration_seconds: expected a number of seconds; user_info: expected an object',
  ),
  sidecar('{"duration_seconds": -3}', ': duration_seconds: expected a number of seconds, 0 or more'),
  sidecar('{"created_at": "x"}', ': created_at: expected a date and time; …'),
  sidecar('{"recording_id": 1.5}', ': recording_id: expected a whole number or text'),
  sidecar('{"recording_id": {}}', ': recording_id: expected a whole number or text'),
  sidecar('{"recording_id": -5}', ': recording_id: expected 0 or more, or text'),
  sidecar('{"user_info": {"email": "x"}}', ': user_info: email: expected an e-mail address'),
  sidecar(
    '{"recording_id": "../etc"}',
    ': recording_id: "../etc" is not a valid recording ID',
    'use 1 to 64 letters, digits, ".", "_" or "-", for example --id 42',
  ),
];

/** A recording whose files were written just now. */
const fresh = (says: string, hint: string, options: readonly string[]): Meeting => ({
  says: `…/3/video.mkv ${says}`,
  hint,
  exit,
  env: { RECORDUPLOAD_SETTLE: '1h' },
  meet: () => ['upload', makeRecording({ name: '3' }), ...options],
});

export const FRESH: readonly Meeting[] = [
  fresh(
    'was written … ago: the recording may not be finished',
    'run the command again 1 h after the recorder has finished, or with --finished if it has',
    ['--no-wait'],
  ),
  fresh('is still being written after 0.2 s', 'run the command again once the recorder has finished', [
    '--wait',
    '200ms',
  ]),
];

export const RECORDINGS_MADE: readonly Made[] = [
  {
    says: '/3 did not respond within 2.0 s',
    hint: 'check whether its drive is mounted',
    exit,
    make: () => silence('/3'),
  },
  renamed('the file name … contains control characters', 'a\nb.txt'),
  renamed('the file name … is not UTF-8', 'a\ud800.txt'),
  renamed('the file name … is longer than 254 bytes', `${'a'.repeat(255)}`),
  {
    ...renamed('the object key of … is longer than 1024 bytes', 'a'),
    make: () => objectKey('x'.repeat(1024) as RecordingId, 'a'),
  },
  {
    says: '/3/video.mkv is larger than any object in S3 (55.0 TB, of 53.7 TB at most)',
    hint: 'split it into several recordings',
    exit,
    make: () => {
      const files = [{ name: 'video.mkv', sizeBytes: 50 * 1024 ** 4 }];
      refuseTooLarge({ dir: '/3', files } as RecordingFolder, () => {});
    },
  },
  system('ENOTDIR', 'lies below a file, not a folder', 'check the path'),
  system('ENAMETOOLONG', 'has too long a name', 'shorten the name'),
  system('ESTALE', 'has vanished from its network drive', 'mount the drive again'),
  system('EIO', 'cannot be read: the disk reports an error', 'check the disk'),
  system('EBUSY', 'cannot be read (EBUSY)'),
  {
    ...system('EMFILE', 'cannot be read: too many open files', OPEN_FILES_HINT),
    exit: EXIT.incomplete,
  },
  {
    says: '/nowhere/video.mkv has vanished while the folder was being read',
    hint: 'try again when no other program changes the folder',
    exit,
    make: () => inspectFile('/nowhere', 'video.mkv'),
  },
  {
    says: '/nowhere/recording.json was replaced by another file while it was being read',
    hint: 'run the command again when no other program changes the folder; if none should, find out which does',
    exit,
    make: () => replaced('/nowhere/recording.json', undefined),
  },
];
