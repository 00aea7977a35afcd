import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  contentHash,
  makePayload,
  type PayloadFacts,
  payloadBytes,
  toMebibytes,
} from '../../../src/core/payload/payload.ts';
import { parseRecordingId } from '../../../src/core/recording/recording.ts';
import { fixture, inChild, readJson } from '../recording/support.ts';

const EXAMPLE = fixture('payloads/contract-example.json');

const facts: PayloadFacts = {
  recording: {
    id: parseRecordingId('3', 'test', 'RECORDING'),
    details: {
      title: 'Meeting 2025-10-24 21:55',
      createdAt: '2025-10-25 01:55:59.374860',
      durationSeconds: 77,
      durationDatabaseSeconds: 77,
      user: { username: 'souvik', email: 'souvik@fyelabs.com' },
    },
  },
  // Not in the payload's order, on purpose.
  uploaded: [
    { role: 'transcript', name: 'transcript.txt', sizeBytes: 120 },
    { role: 'thumbnail', name: 'thumbnail.jpg', sizeBytes: 8_000 },
    { role: 'video', name: 'video.mkv', sizeBytes: 524_288 },
  ],
  bucket: 'fyemeet',
  region: 'us-west-1',
  publicBaseUrl: 'https://s3.us-west-1.idrivee2.com',
  uploadSource: 'background_thread',
  uploadedAt: Date.UTC(2025, 9, 25, 1, 57, 22) + 775.114,
};
const withDetails = (details: Partial<PayloadFacts['recording']['details']>): PayloadFacts => ({
  ...facts,
  recording: { ...facts.recording, details: { ...facts.recording.details, ...details } },
});

test('the contract’s example comes out field by field, in its order', () => {
  const code = `import { makePayload, payloadBytes } from '@/core/payload/payload.ts';
    console.log(payloadBytes(makePayload(JSON.parse(process.argv[1]))).toString());`;
  const payload = inChild(code, { env: { TZ: 'America/New_York' }, args: [JSON.stringify(facts)] });
  expect(JSON.stringify(payload, null, 2)).toBe(JSON.stringify(readJson(EXAMPLE), null, 2));
});

test('the fixture is the contract’s own text', () => {
  expect(readFileSync(EXAMPLE, 'utf8')).toContain('"transcript.txt": 0.0 }');
});

test('an id that is no whole number stays text', () => {
  const idOf = (id: string) =>
    makePayload({ ...facts, recording: { ...facts.recording, id: parseRecordingId(id, 'test', 'RECORDING') } })
      .recording_id;
  expect([idOf('42'), idOf('042'), idOf('a-1'), idOf('1e3')]).toEqual([42, '042', 'a-1', '1e3']);
});

test('where only one duration is known both carry it, and where none is neither appears', () => {
  expect(makePayload(withDetails({ durationSeconds: undefined }))).toMatchObject({ duration_seconds: 77 });
  expect(makePayload(withDetails({ durationDatabaseSeconds: undefined }))).toMatchObject({ duration_database: 77 });
  const none = makePayload(withDetails({ durationSeconds: undefined, durationDatabaseSeconds: undefined }));
  expect(Object.keys(none)).not.toContain('duration_seconds');
  expect(Object.keys(none)).not.toContain('duration_database');
});

test('a user name that is not known is left out', () => {
  expect(makePayload(withDetails({ user: { email: 'a@b.c' } })).user_info).toEqual({ email: 'a@b.c' });
});

test('only what is in the bucket is told', () => {
  const payload = makePayload({ ...facts, uploaded: facts.uploaded.slice(2), metadataStored: false });
  expect(payload.uploaded_files).toEqual({ video: 'https://s3.us-west-1.idrivee2.com/fyemeet/3/video.mkv' });
  expect(payload.file_info).toEqual({ total_size_mb: 0.5, individual_sizes_mb: { 'video.mkv': 0.5 } });
});

test('extra files are told by their names, with percent-encoded URLs', () => {
  const names = ["it's (a) *b*! 100%.txt", 'ü#?&+.txt', '🎬 1.txt', '__proto__'];
  const uploaded = names.map(name => ({ role: 'extra' as const, name, sizeBytes: 1024 * 1024 }));
  const payload = makePayload({ ...facts, uploaded: [...uploaded, ...facts.uploaded], publicBaseUrl: 'https://cdn/' });
  expect(Object.entries(payload.uploaded_files).slice(4)).toEqual([
    [names[0], 'https://cdn/fyemeet/3/it%27s%20%28a%29%20%2Ab%2A%21%20100%25.txt'],
    [names[1], 'https://cdn/fyemeet/3/%C3%BC%23%3F%26%2B.txt'],
    [names[2], 'https://cdn/fyemeet/3/%F0%9F%8E%AC%201.txt'],
    [names[3], 'https://cdn/fyemeet/3/__proto__'],
  ]);
  expect(payload.file_info.total_size_mb).toBe(4.51);
  expect(Object.keys(payload.file_info.individual_sizes_mb)).toEqual([
    'video.mkv',
    'thumbnail.jpg',
    'transcript.txt',
    ...names,
  ]);
});

describe('sizes', () => {
  test.each([
    [0, 0],
    [1, 0],
    [5_242, 0],
    [5_243, 0.01],
    [131_072, 0.12], // 0.125: a tie goes to the even neighbour
    [393_216, 0.38], // 0.375
    [655_360, 0.62], // 0.625
    [1024 ** 4 * 5, 5 * 1024 ** 2],
    [Number.MAX_SAFE_INTEGER, 8_589_934_592],
  ])('%d bytes are %d MiB', (bytes, mebibytes) => {
    expect(toMebibytes(bytes)).toBe(mebibytes);
  });

  test('are rounded as Python’s round() does', () => {
    const sizes = Array.from({ length: 20_000 }, (_, index) =>
      index < 2_000 ? (2 * index + 1) * 131_072 : (index * 2_654_435_761) % 2 ** (10 + (index % 36)),
    );
    const program = 'import json,sys; print(json.dumps([round(b / 1048576, 2) for b in json.load(sys.stdin)]))';
    const python = spawnSync('python3', ['-c', program], { input: JSON.stringify(sizes), encoding: 'utf8' });
    if (python.error) return; // no Python on this machine
    expect(sizes.map(toMebibytes)).toEqual(JSON.parse(python.stdout));
  });
});

describe('the content’s hash', () => {
  const payload = makePayload(facts);

  test('does not depend on the time of the upload or the order of keys', () => {
    const later = makePayload({ ...facts, uploadedAt: facts.uploadedAt + 1000 });
    expect(later.upload_timestamp).not.toBe(payload.upload_timestamp);
    const shuffled = Object.fromEntries(Object.entries(later).reverse()) as unknown as typeof payload;
    expect(contentHash(shuffled)).toBe(contentHash(payload));
    expect(contentHash(payload)).toMatch(/^[0-9a-f]{64}$/);
  });

  test('changes with anything else', () => {
    const others = [
      makePayload(withDetails({ title: 'x' })),
      makePayload(withDetails({ user: { email: 'x@y.z' } })),
      makePayload({ ...facts, uploaded: facts.uploaded.slice(1) }),
      makePayload({ ...facts, uploadSource: 'cli' }),
    ];
    expect(new Set([payload, ...others].map(contentHash)).size).toBe(5);
  });
});

test('the bytes are compact JSON in UTF-8', () => {
  const bytes = payloadBytes(makePayload(withDetails({ title: 'Über 🎬' })));
  expect(bytes.toString('utf8')).toMatch(/^\{"recording_id":3,"title":"Über 🎬",/);
});
