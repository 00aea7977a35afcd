import { createHash, randomBytes } from 'node:crypto';
import type { Records } from '../records.ts';
import type { Blobs, Segment } from './blobs.ts';
import type { Checksum } from './checksum.ts';
import { S3Error } from './errors.ts';

/** What a client says of an object beside its bytes. */
export interface Description {
  /** `content-type`, `cache-control`, …: given back as they came. */
  headers: Record<string, string>;
  /** `x-amz-meta-…` without that prefix. */
  metadata: Record<string, string>;
  /** Everybody may read it (canned ACL `public-read`). */
  isPublic?: boolean | undefined;
}

export interface StoredObject extends Description {
  bucket: string;
  key: string;
  sizeBytes: number;
  /** Without quotes. */
  etag: string;
  lastModifiedMs: number;
  segments: Segment[];
  checksum?: Checksum | undefined;
  /** The multipart upload that it came from. */
  uploadId?: string | undefined;
}

export interface StoredPart {
  uploadId: string;
  partNumber: number;
  etag: string;
  lastModifiedMs: number;
  segment: Segment;
  checksum?: Checksum | undefined;
}

export interface OpenUpload extends Description {
  uploadId: string;
  bucket: string;
  key: string;
  initiatedMs: number;
  parts: Map<number, StoredPart>;
}

/** A check made in the same instant as the change that it guards. */
type Guard = (current: StoredObject | undefined) => void;

/** Which buckets, objects and open uploads there are; every change is recorded before it is answered. */
export class Catalog {
  readonly buckets = new Map<string, { createdMs: number; objects: Map<string, StoredObject> }>();
  readonly uploads = new Map<string, OpenUpload>();
  readonly #records: Records;
  readonly #blobs: Blobs;

  constructor(records: Records, blobs: Blobs) {
    this.#records = records;
    this.#blobs = blobs;
  }

  /** Takes up what the last run left. */
  async load(): Promise<void> {
    const used: Segment[] = [];
    for (const { name, createdMs } of (await this.#records.load('buckets')) as { name: string; createdMs: number }[]) {
      this.buckets.set(name, { createdMs, objects: new Map() });
    }
    const completed = new Set<string>();
    for (const object of (await this.#records.load('objects')) as StoredObject[]) {
      this.buckets.get(object.bucket)?.objects.set(object.key, object);
      used.push(...object.segments);
      if (object.uploadId) completed.add(object.uploadId);
    }
    for (const upload of (await this.#records.load('uploads')) as Omit<OpenUpload, 'parts'>[]) {
      // A crash between the object's record and the removal of the upload's: the upload was completed.
      if (completed.has(upload.uploadId)) await this.#records.delete(uploadRecord(upload.uploadId));
      else this.uploads.set(upload.uploadId, { ...upload, parts: new Map() });
    }
    for (const part of (await this.#records.load('parts')) as StoredPart[]) {
      const upload = this.uploads.get(part.uploadId);
      if (!upload) await this.#records.delete(partRecord(part));
      else {
        upload.parts.set(part.partNumber, part);
        used.push(part.segment);
      }
    }
    await this.#blobs.sweep(used);
  }

  /** @throws S3Error `NoSuchBucket` */
  objectsOf(bucket: string): Map<string, StoredObject> {
    const found = this.buckets.get(bucket);
    if (found) return found.objects;
    throw new S3Error('NoSuchBucket', 'The specified bucket does not exist', { details: { BucketName: bucket } });
  }

  /** @throws S3Error `NoSuchBucket`, `NoSuchKey` */
  object(bucket: string, key: string): StoredObject {
    const found = this.objectsOf(bucket).get(key);
    if (found) return found;
    throw new S3Error('NoSuchKey', 'The specified key does not exist.', { details: { Key: key } });
  }

  /** Whether everybody may read the object. */
  isPublic(bucket: string, key: string): boolean {
    return this.buckets.get(bucket)?.objects.get(key)?.isPublic === true;
  }

  /** @throws S3Error `NoSuchBucket`, `NoSuchUpload` */
  upload(bucket: string, key: string, uploadId: string): OpenUpload {
    this.objectsOf(bucket);
    const found = this.uploads.get(uploadId);
    if (found && found.bucket === bucket && found.key === key) return found;
    throw new S3Error(
      'NoSuchUpload',
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
      { details: { UploadId: uploadId } },
    );
  }

  async createBucket(name: string, nowMs: number): Promise<void> {
    this.buckets.set(name, { createdMs: nowMs, objects: new Map() });
    await this.#records.put(`buckets/${name}`, { name, createdMs: nowMs });
  }

  async deleteBucket(name: string): Promise<void> {
    this.buckets.delete(name);
    await this.#records.delete(`buckets/${name}`);
  }

  async putObject(object: StoredObject, guard: Guard): Promise<void> {
    const objects = this.objectsOf(object.bucket);
    const before = objects.get(object.key);
    guard(before);
    objects.set(object.key, object);
    try {
      await this.#records.put(objectRecord(object), object);
    } catch (error) {
      if (objects.get(object.key) === object) {
        if (before) objects.set(object.key, before);
        else objects.delete(object.key);
      }
      throw error;
    }
    if (before) await this.#blobs.remove(before.segments);
  }

  async deleteObject(bucket: string, key: string): Promise<void> {
    const objects = this.objectsOf(bucket);
    const before = objects.get(key);
    if (!before) return;
    objects.delete(key);
    await this.#records.delete(objectRecord(before));
    await this.#blobs.remove(before.segments);
  }

  async createUpload(upload: Omit<OpenUpload, 'uploadId' | 'parts'>): Promise<OpenUpload> {
    const uploadId = newUploadId(upload.initiatedMs);
    const record = { ...upload, uploadId };
    await this.#records.put(uploadRecord(uploadId), record);
    const open = { ...record, parts: new Map<number, StoredPart>() };
    this.uploads.set(uploadId, open);
    return open;
  }

  async putPart(upload: OpenUpload, part: StoredPart): Promise<void> {
    // It may have been completed or aborted while the body was coming in.
    this.upload(upload.bucket, upload.key, upload.uploadId);
    const before = upload.parts.get(part.partNumber);
    upload.parts.set(part.partNumber, part);
    await this.#records.put(partRecord(part), part);
    if (before) await this.#blobs.remove([before.segment]);
  }

  /** Turns the upload into the object; its segments are taken over, not copied. */
  async completeUpload(upload: OpenUpload, object: StoredObject, guard: Guard): Promise<void> {
    this.uploads.delete(upload.uploadId);
    try {
      await this.putObject(object, guard);
    } catch (error) {
      this.uploads.set(upload.uploadId, upload);
      throw error;
    }
    await this.#forgetUpload(upload, new Set(object.segments.map(({ id }) => id)));
  }

  async abortUpload(upload: OpenUpload): Promise<void> {
    this.uploads.delete(upload.uploadId);
    await this.#forgetUpload(upload, new Set());
  }

  async #forgetUpload({ uploadId, parts }: OpenUpload, taken: Set<string>): Promise<void> {
    await this.#records.delete(uploadRecord(uploadId));
    const all = [...parts.values()];
    await Promise.all(all.map(part => this.#records.delete(partRecord(part))));
    await this.#blobs.remove(all.map(({ segment }) => segment).filter(({ id }) => !taken.has(id)));
  }
}

let lastUpload = 0;

/** Sorts by the time of its making, as ListMultipartUploads promises; never the same twice. */
function newUploadId(nowMs: number): string {
  lastUpload = (lastUpload + 1) % 0x1000000;
  const time = nowMs.toString(16).padStart(12, '0');
  return `${time}${lastUpload.toString(16).padStart(6, '0')}${randomBytes(12).toString('hex')}`;
}

/** Keys are no file names: too long, too many characters. */
function objectRecord({ bucket, key }: { bucket: string; key: string }): string {
  return `objects/${createHash('sha256').update(`${bucket}/${key}`).digest('hex')}`;
}

const uploadRecord = (uploadId: string) => `uploads/${uploadId}`;
const partRecord = ({ uploadId, partNumber }: StoredPart) => `parts/${uploadId}.${partNumber}`;
