// What the check of the bucket is made of, in one chunk of its own: the rest of `doctor` does not wait for the S3 client.
export { checkBucket } from '../app/doctor/check-bucket.ts';
export { bufferBody } from '../core/storage/body.ts';
export { openBucket } from '../core/storage/s3/s3-bucket.ts';
export { unlimited } from '../core/storage/throttle.ts';
