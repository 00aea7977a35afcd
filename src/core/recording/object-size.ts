import { join } from 'node:path';
import { printable } from '../text.ts';
import { formatBytes } from '../units.ts';
import { problem } from './folder-problem.ts';
import type { RecordingFolder } from './read-folder.ts';

const TIB = 1024 ** 4;
/** 10,000 parts of 5 GiB, 48.8 TiB. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const LARGEST_BYTES = 10_000 * 5 * 1024 ** 3;
/** Amazon's own limit until 2025, which many stores have kept. */
const OFTEN_LARGEST_BYTES = 5 * TIB;

/**
 * Refuses a file that no S3 service can store, and warns of one that many do not.
 * @throws AppError `RECORDING`
 */
export function refuseTooLarge({ dir, files }: RecordingFolder, warn: (message: string) => void): void {
  for (const { name, sizeBytes } of files) {
    const path = join(dir, name);
    if (sizeBytes > LARGEST_BYTES) {
      const sizes = `${formatBytes(sizeBytes)}, of ${formatBytes(LARGEST_BYTES)} at most`;
      throw problem(path, `is larger than any object in S3 (${sizes})`, { hint: 'split it into several recordings' });
    }
    if (sizeBytes > OFTEN_LARGEST_BYTES) {
      warn(`${printable(path)} is larger than ${formatBytes(OFTEN_LARGEST_BYTES)}, which many stores refuse`);
    }
  }
}
