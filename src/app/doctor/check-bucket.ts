import { createHash } from 'node:crypto';
import { machineName } from '../../core/machine-name.ts';
import type { Body } from '../../core/storage/body.ts';
import type { Bucket } from '../../core/storage/bucket.ts';
import { isForbidden, StorageFailure } from '../../core/storage/failure.ts';
import { blamesKeys } from '../../core/storage/refusal-hints.ts';
import { objectMetadata, TOKEN_METADATA } from '../../core/upload/object-metadata.ts';
import type { LinkCheck } from '../check-link.ts';
import type { Finding } from './check.ts';

export interface BucketDeps {
  bucket: Bucket;
  bodyOf: (bytes: Buffer) => Body;
  /** A random word, for a folder of the probe's own. */
  newId: () => string;
  now: () => number;
  /** Opens the link of an object as somebody without credentials does. */
  checkLink: (object: { key: string; sizeBytes: number }, signal: AbortSignal) => Promise<LinkCheck>;
  /** The storage class that objects are to have. */
  storageClass?: string | undefined;
}

const PROBE_PREFIX = '.recordupload-doctor/';
const TOKEN = 'doctor';
/** As uploads have them: a store that does not take these refuses the probe. */
const SETTINGS = {
  contentType: 'application/octet-stream',
  metadata: objectMetadata({ machine: machineName() }, TOKEN),
};
/** A run that was killed left probes behind that are older than this. */
const LEFT_BEHIND_MS = 3_600_000;
/** The part of the 10 s that is reserved for cleaning up. */
const TIDY_MS = 2_500;

/**
 * Writes, reads, lists and deletes probe objects below `.recordupload-doctor/`, in one request and in parts, and finds
 * out what kind of store this is. Deletes its objects again, whatever happens.
 * @throws StorageFailure `NotS3`
 */
export async function checkBucket(deps: BucketDeps, outer: AbortSignal): Promise<Finding[]> {
  const { bucket, newId, now } = deps;
  const place = `${PROBE_PREFIX}${newId()}`;
  const signal = AbortSignal.any([outer, AbortSignal.timeout(10_000 - TIDY_MS)]);
  const uploads: string[] = [];
  const left: Left = { hasVersions: false };
  const findings: Finding[] = [];
  const keys = { single: `${place}/single`, parts: `${place}/parts` };
  try {
    const stale: string[] = [];
    const listed = await attempt('list', async () => {
      for (const { key, lastModified } of await bucket.list(PROBE_PREFIX, {}, signal)) {
        if (lastModified && now() - lastModified.getTime() > LEFT_BEHIND_MS) stale.push(key);
      }
      return 'objects can be listed';
    });
    const gone = goneFor(listed.error);
    if (gone) return gone;
    const [single, parts] = await Promise.all([
      probeSingle(keys.single, deps, signal, left),
      probeParts(keys.parts, deps, signal, uploads),
    ]);
    findings.push(
      { name: 'credentials', status: 'ok', detail: 'the store accepts them' },
      { name: 'bucket', status: 'ok', detail: `${bucket.target} exists` },
      {
        ...listed.finding,
        ...(listed.error && { status: 'warning' as const, fix: 'verify and cleanup need this right' }),
      },
      ...single,
      ...parts,
    );
    // A key that may not delete says so below.
    for (const key of stale) await bucket.delete(key, signal).catch(() => {});
    return findings;
  } finally {
    const removed = await tidy(bucket, Object.values(keys), uploads, left);
    if (findings.length > 0) findings.push(removed);
  }
}

interface Attempt {
  finding: Finding;
  error?: StorageFailure | undefined;
}

async function attempt(name: string, work: () => Promise<string>): Promise<Attempt> {
  try {
    return { finding: { name, status: 'ok', detail: await work() } };
  } catch (error) {
    const { message, hint, reason } = error as StorageFailure;
    // A web page that answers 200 to everything seems to accept the keys and to list objects, too: no finding counts.
    if (reason === 'NotS3') throw error;
    return { finding: { name, status: 'failure', detail: message, fix: hint }, error: error as StorageFailure };
  }
}

/** If the store, the keys or the bucket are wrong, this is the only finding. */
function goneFor(error: StorageFailure | undefined): Finding[] | undefined {
  if (!error) return undefined;
  const { message: detail, hint: fix, reason } = error;
  if (blamesKeys(reason)) return [{ name: 'credentials', status: 'failure', detail, fix }];
  // The key may only upload; the other probes still work.
  if (isForbidden(error)) return undefined;
  return [{ name: 'bucket', status: 'failure', detail, fix }];
}

/** Writes and reads an object in one request; checks its ETag, and whether the store refuses a second one. */
async function probeSingle(key: string, deps: BucketDeps, signal: AbortSignal, left: Left): Promise<Finding[]> {
  const { bucket, bodyOf } = deps;
  const bytes = Buffer.from('recordupload doctor: this object may be deleted\n');
  let etag = '';
  const write = await attempt('write', async () => {
    const stored = await bucket.put(key, bodyOf(bytes), SETTINGS, signal);
    etag = stored.etag;
    left.hasVersions = stored.versionId !== undefined;
    return 'objects can be written';
  });
  if (write.error) return [write.finding];
  let storedAs: string | undefined;
  const read = await attempt('read', async () => {
    const head = await bucket.head(key, signal);
    storedAs = head?.storageClass;
    if (!head) throw new Error('the object is not there');
    if (head.sizeBytes !== undefined && head.sizeBytes !== bytes.length) throw new Error('the object has another size');
    // What uploads are verified by.
    if (head.etag !== etag)
      throw new Error(`the object has the ETag ${head.etag} instead of ${etag}: uploads would fail`);
    if (head.metadata[TOKEN_METADATA] !== TOKEN)
      throw new Error('the store drops the metadata of objects: uploads in parts would fail');
    return 'the written object can be read';
  });
  const isMd5 = etag === createHash('md5').update(bytes).digest('hex');
  const kind = isMd5
    ? 'the MD5 of the content'
    : 'not the MD5 of the content (encrypted storage?): sizes and tokens are compared';
  return [
    write.finding,
    withoutRight(
      read,
      'the key may not read objects: uploads work, and only the responses to them prove that they are there',
    ),
    { name: 'ETags', status: 'ok', detail: kind },
    ...(read.error ? [] : storageClassFinding(storedAs, deps)),
    await probeLink({ key, sizeBytes: bytes.length }, deps, signal),
    await probeCondition(key, bodyOf(bytes), bucket, signal),
  ];
}

/** What a key that may only upload cannot do is no failure: uploads work. */
function withoutRight({ finding, error }: Attempt, detail: string): Finding {
  if (!isForbidden(error)) return finding;
  return { ...finding, status: 'warning', detail, fix: 'give the key s3:GetObject: verify needs this right' };
}

/** A store that does not have the configured storage class may ignore it without a word. */
function storageClassFinding(storedAs: string | undefined, { storageClass }: BucketDeps): Finding[] {
  if (storageClass === undefined) return [];
  const name = 'storage class';
  // The default is not named in responses.
  if (storedAs === storageClass || (storedAs === undefined && storageClass === 'STANDARD')) {
    return [{ name, status: 'ok', detail: `objects are stored as ${storageClass}` }];
  }
  const detail = `the store ignores storageClass ${storageClass}: the object is stored as ${storedAs ?? 'STANDARD'}`;
  return [{ name, status: 'warning', detail, fix: 'correct storageClass, or leave it out' }];
}

/** The webhook's links are what users click. Whether they should work for everybody is the operator's decision. */
async function probeLink(
  object: { key: string; sizeBytes: number },
  { checkLink }: BucketDeps,
  signal: AbortSignal,
): Promise<Finding> {
  const { ok, detail, fix } = await checkLink(object, signal);
  return { name: 'links', status: ok ? 'ok' : 'warning', detail, fix };
}

/** `If-None-Match: *` on an existing object: a store that honours it answers 412. */
async function probeCondition(key: string, body: Body, bucket: Bucket, signal: AbortSignal): Promise<Finding> {
  const name = 'conditional writes';
  try {
    await bucket.put(key, body, { ...SETTINGS, onlyIfAbsent: true }, signal);
    return { name, status: 'ok', detail: NO_CONDITIONS };
  } catch (error) {
    const { status, message } = error as StorageFailure;
    if (status === 412) return { name, status: 'ok', detail: 'honoured (If-None-Match)' };
    return { name, status: status === undefined ? 'warning' : 'ok', detail: message };
  }
}

const NO_CONDITIONS =
  'not available at this store (If-None-Match): it does not notice two machines that upload one recording ID at the same moment';

/** Uploads an object in parts: creates the upload, sends a part, lists and completes it. */
async function probeParts(
  key: string,
  { bucket, bodyOf }: BucketDeps,
  signal: AbortSignal,
  uploads: string[],
): Promise<Finding[]> {
  const bytes = Buffer.from('recordupload doctor: this part may be deleted\n');
  const sizeSignal = AbortSignal.any([signal, AbortSignal.timeout(SIZE_MS)]);
  const { finding, error } = await attempt('multipart', async () => {
    const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
    uploads.push(uploadId);
    const { etag } = await bucket.uploadPart(key, uploadId, 1, bodyOf(bytes), signal);
    await probeSize(part => bucket.uploadPart(key, uploadId, 2, bodyOf(part), sizeSignal));
    const listing = await bucket.listParts(key, uploadId, signal).then(
      ({ parts }) => (parts.some(({ number }) => number === 1) ? '' : '; the part is not listed'),
      () => '; parts cannot be listed, so only the state knows them',
    );
    await bucket.completeUpload(key, uploadId, [{ number: 1, etag }], {}, signal);
    uploads.length = 0;
    const head = await bucket.head(key, signal).catch(unseen);
    if (head === 'unseen') return `works, as far as the key may see${listing}`;
    if (!head) throw new Error('the completed object is not there');
    if (head.metadata[TOKEN_METADATA] !== TOKEN)
      throw new Error('the store drops the metadata of objects: uploads in parts would fail');
    return `works (ETag ${head.etag.length > 12 ? `…${head.etag.slice(-6)}` : head.etag})${listing}`;
  });
  return [error && !finding.fix ? { ...finding, fix: 'check that the access key may upload in parts' } : finding];
}

/** A slow line may not carry the large part in this time: then nothing is known of the sizes that are accepted. */
const SIZE_MS = 4_000;
/** nginx refuses larger requests unless it is configured otherwise. */
const COMMON_LIMIT_BYTES = 1024 ** 2;

/**
 * Sends a part that a proxy before the store may refuse for its size. It is not among the parts of the object.
 * @throws StorageFailure if it is refused for that
 */
async function probeSize(send: (bytes: Buffer) => Promise<unknown>): Promise<void> {
  try {
    await send(Buffer.alloc(COMMON_LIMIT_BYTES + 1));
  } catch (error) {
    if (error instanceof StorageFailure && error.status === 413) throw error;
  }
}

/** For a key that may not look at objects. */
function unseen(error: unknown): 'unseen' {
  if (isForbidden(error)) return 'unseen';
  throw error;
}

/** What cannot be deleted. */
interface Left {
  hasVersions: boolean;
}

/** Has time of its own, so that it also works after a time-out or Ctrl-C. */
async function tidy(
  bucket: Bucket,
  keys: readonly string[],
  uploads: readonly string[],
  { hasVersions }: Left,
): Promise<Finding> {
  const signal = AbortSignal.timeout(TIDY_MS);
  const { finding } = await attempt('delete', async () => {
    await Promise.all([
      ...keys.map(key => bucket.delete(key, signal)),
      ...uploads.map(uploadId => bucket.abortUpload(keys[1] ?? '', uploadId, signal)),
    ]);
    return 'the probe objects are deleted again';
  });
  if (finding.status === 'ok' && hasVersions) {
    const detail = `the bucket keeps versions: the probe objects are deleted, and stay as old versions below ${PROBE_PREFIX}`;
    return { ...finding, status: 'warning', detail, fix: 'a lifecycle rule that expires old versions removes them' };
  }
  if (finding.status === 'ok') return finding;
  const fix = `the probe objects stay: delete those below ${PROBE_PREFIX} with a key that may; cleanup needs this right, too`;
  return { ...finding, status: 'warning', fix };
}
