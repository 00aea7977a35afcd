import { closeSync, fstatSync, read } from 'node:fs';
import { promisify } from 'node:util';
import {
  CustomSource,
  Input,
  Logging,
  LogLevel,
  MATROSKA,
  type MetadataTags,
  MP4,
  MPEG_TS,
  OGG,
  QTFF,
  WEBM,
} from './mediabunny.ts';
import { type FoundFile, openFound } from './open-file.ts';
import { type Microseconds, parseTimestamp } from './timestamps.ts';

/** Only self-contained formats: an HLS playlist named video.mkv would make the library fetch the URLs in it. */
const FORMATS = [MATROSKA, WEBM, MP4, QTFF, MPEG_TS, OGG];
const readAt = promisify(read);
const CACHE_BYTES = 4 * 1024 * 1024;

/** What the media library says about a file. */
export interface MediaFacts {
  /** The end of the last packet minus the start of the first, over all tracks: not every clock begins at 0. */
  seconds: number;
  /** The tag that says when it was recorded; undefined if there is none with a time of day. */
  taggedTime: Microseconds | undefined;
}

/**
 * Measures a media file. Reads ranges of it, never the whole into memory. Import this module lazily: it loads the media
 * library.
 * @param beforeRead called before each read; what it throws ends the measuring
 * @throws the library's errors if it does not know the format
 */
export async function readMediaFacts(found: FoundFile, beforeRead: () => void): Promise<MediaFacts> {
  Logging.level = LogLevel.Silent;
  const fd = openFound(found);
  try {
    const source = new CustomSource({
      getSize: () => fstatSync(fd).size,
      read: async (start, end) => {
        beforeRead();
        const bytes = new Uint8Array(end - start);
        const { bytesRead } = await readAt(fd, bytes, 0, bytes.length, start);
        if (bytesRead < bytes.length) throw new Error('the file became shorter while it was measured');
        return bytes;
      },
      maxCacheSize: CACHE_BYTES,
      prefetchProfile: 'fileSystem',
      // Nothing waits for this read-ahead. If it fails, the read that needs its bytes fails, too.
      handleUnhandledError: () => {},
    });
    const input = new Input({ formats: FORMATS, source });
    try {
      const end = await input.computeDuration();
      const start = await input.getFirstTimestamp();
      return { seconds: end - start, taggedTime: taggedTime(await input.getMetadataTags()) };
    } finally {
      input.dispose();
    }
  } finally {
    closeSync(fd);
  }
}

/** Tags that say when a recording was made. `DATE` may be a release date, but then it has no time of day. */
const TIME_TAGS = /^(?:creation_time|com\.apple\.quicktime\.creationdate|date(?:_recorded|_encoded)?|©day)$/i;

function taggedTime({ raw = {} }: MetadataTags): Microseconds | undefined {
  for (const [name, value] of Object.entries(raw)) {
    const time = TIME_TAGS.test(name) && typeof value === 'string' ? parseTimestamp(value) : undefined;
    if (time !== undefined) return time;
  }
  return undefined;
}
