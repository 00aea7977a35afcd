import { type Call, header } from './call.ts';
import type { StoredObject } from './catalog.ts';
import { S3Error } from './errors.ts';

/**
 * Holds a write to its `If-None-Match: *` or `If-Match`.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 * @throws S3Error `PreconditionFailed` (412), `NoSuchKey` where `If-Match` has nothing to match, `NotImplemented`
 */
export function checkWriteConditions(call: Call, current: StoredObject | undefined): void {
  const ifNoneMatch = header(call, 'if-none-match');
  const ifMatch = header(call, 'if-match');
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Error('NotImplemented', 'If-None-Match of a write takes nothing but *');
  }
  if (ifNoneMatch === '*' && current) throw failed('If-None-Match');
  if (ifMatch === undefined) return;
  if (!current)
    throw new S3Error('NoSuchKey', 'The specified key does not exist.', { details: { Key: call.route.key } });
  if (!lists(ifMatch, current.etag)) throw failed('If-Match');
}

/**
 * Holds a read to its conditions.
 * @returns true where the client's copy is still good (304)
 * @throws S3Error `PreconditionFailed`
 */
export function isNotModified(call: Call, current: StoredObject): boolean {
  const ifMatch = header(call, 'if-match');
  if (ifMatch !== undefined && !lists(ifMatch, current.etag)) throw failed('If-Match');
  const ifNoneMatch = header(call, 'if-none-match');
  return ifNoneMatch !== undefined && lists(ifNoneMatch, current.etag);
}

function lists(tags: string, etag: string): boolean {
  return tags === '*' || tags.split(',').some(tag => tag.trim().replaceAll('"', '') === etag);
}

function failed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    details: { Condition: condition },
  });
}
