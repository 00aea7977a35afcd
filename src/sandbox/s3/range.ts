import { S3Error } from './errors.ts';

/**
 * The bytes that a `Range` header asks for, `end` excluded; undefined for the whole (no header, or one that HTTP says
 * to ignore: another unit, several ranges, no sense).
 * @throws S3Error `InvalidRange` (416) where there is no such byte
 */
export function parseRange(header: string | undefined, sizeBytes: number): { start: number; end: number } | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, first = '', last = ''] = found ?? [];
  if (!first && !last) return undefined;
  const start = first ? Number(first) : Math.max(0, sizeBytes - Number(last));
  const end = first && last ? Math.min(Number(last) + 1, sizeBytes) : sizeBytes;
  if (first && last && Number(last) < Number(first)) return undefined;
  if (start < sizeBytes && start < end) return { start, end };
  throw new S3Error('InvalidRange', 'The requested range is not satisfiable', {
    details: { RangeRequested: header ?? '', ActualObjectSize: sizeBytes },
    headers: { 'Content-Range': `bytes */${sizeBytes}` },
  });
}
