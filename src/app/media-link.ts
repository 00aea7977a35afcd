import { AppError } from '../core/errors.ts';
import { objectKey } from '../core/recording/object-key.ts';
import { parseRecordingId } from '../core/recording/recording.ts';
import type { Runtime } from './runtime.ts';

export interface MediaRequest {
  /** The recording's ID. */
  id: string;
  /** A file of it that is in the bucket. */
  name: string;
  expiresInSeconds: number;
  /** True: a browser saves the file instead of showing it. */
  download: boolean;
}

/**
 * A link with which a browser reads one file of a recording from the bucket for a while, although the bucket is private.
 * @throws AppError `USAGE` if no such file was uploaded from this machine, `CONFIG` without access keys, `STATE`
 */
export async function mediaLink({ id: text, name, expiresInSeconds, download }: MediaRequest, runtime: Runtime) {
  const id = parseRecordingId(text, 'id', 'USAGE');
  const overview = await runtime.overview();
  const known = await overview?.recording(id).finally(() => overview.close());
  const upload = known?.recordings.findLast(({ files }) =>
    files.some(file => file.name === name && file.state === 'uploaded'),
  );
  if (!upload)
    throw new AppError('USAGE', `no file of that name of recording ${id} was uploaded from this machine`, {
      hint: `recordupload status ${id} lists its files`,
    });
  const links = await runtime.linksAt(upload.target);
  try {
    return await links.sign(objectKey(id, name), { expiresInSeconds, ...(download && { downloadAs: name }) });
  } finally {
    links.close();
  }
}
