import { monotonicMs } from '../../clock.ts';
import { ListMultipartUploadsCommand, type S3Client } from './sdk.ts';

/** One page of any of S3's lists, as the SDK gives it. */
export interface Page {
  IsTruncated?: boolean | undefined;
}

/** More than the work of any bucket fills: half a million entries. A store could send new ones for ever. */
const MAX_PAGES = 1_000;
const MAX_CHARACTERS = 64 * 1024 * 1024;
const MAX_MS = 30 * 60_000;

/**
 * Reads a list to its end. The SDK's own paginators do not notice a list that goes round in circles, and some ask on
 * where `IsTruncated` says that there is no more.
 * @param ask makes the request for the next page; undefined after the last one
 * @param read the page's items, and where the next page begins
 * @param atMost no further page is read once there are so many items
 * @param endless makes the error for a list that begins again, or has no end
 */
export async function allPages<P extends Page, Item>(
  ask: () => Promise<P | undefined>,
  read: (page: P) => { items: readonly Item[]; next: readonly unknown[] },
  endless: () => Error,
  atMost = Number.POSITIVE_INFINITY,
): Promise<Item[]> {
  const found: Item[] = [];
  const startedAt = monotonicMs();
  let characters = 0;
  const begun = new Set<string>();
  for (let page = await ask(); page; page = await ask()) {
    const { items, next } = read(page);
    found.push(...items);
    characters += JSON.stringify(items).length;
    if (characters > MAX_CHARACTERS || monotonicMs() - startedAt > MAX_MS) throw endless();
    if (!page.IsTruncated || found.length >= atMost) break;
    const start = JSON.stringify(next);
    if (begun.has(start) || begun.size === MAX_PAGES) throw endless();
    begun.add(start);
  }
  return found;
}

/** As the SDK's paginators for the other lists; it has none for this one. */
export async function* paginateListMultipartUploads(
  { client }: { client: S3Client },
  input: { Bucket: string; Prefix: string },
) {
  let markers: { KeyMarker?: string; UploadIdMarker?: string | undefined } = {};
  for (;;) {
    const page = await client.send(new ListMultipartUploadsCommand({ ...input, ...markers }));
    yield page;
    if (!page.NextKeyMarker) return;
    markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}
