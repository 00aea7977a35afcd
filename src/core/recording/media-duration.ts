import { closeSync, fstatSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { CustomSource, Input, Logging, LogLevel, MATROSKA, MP4, MPEG_TS, OGG, QTFF, WEBM } from 'mediabunny';
import { type FoundFile, openFound } from './open-file.ts';

/** Only self-contained formats: an HLS playlist named video.mkv would make the library fetch the URLs in it. */
const FORMATS = [MATROSKA, WEBM, MP4, QTFF, MPEG_TS, OGG];
const readAt = promisify(read);
const CACHE_BYTES = 4 * 1024 * 1024;

/**
 * The end of a media file's last packet, in seconds. Reads ranges of the file, never the whole into memory. Import this
 * module lazily: it loads the media library.
 * @param beforeRead called before each read; what it throws ends the measuring
 * @throws the library's errors if it does not know the format
 */
export async function mediaDurationSeconds(found: FoundFile, beforeRead: () => void): Promise<number> {
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
      return await input.computeDuration();
    } finally {
      input.dispose();
    }
  } finally {
    closeSync(fd);
  }
}
