import { AppError } from '../errors.ts';
import { parseRecordingId, type RecordingId } from './recording.ts';

/**
 * The ID that a recording gets from its folder: what the sidecar or the folder's name says, behind the configured prefix.
 * Recorders that count from 1 would give the recordings of two machines the same ID. A name that has the prefix already is
 * complete. What somebody asks for (`--id`) is not derived, and gets no prefix.
 * @param where what the text was, for the message
 * @throws AppError `RECORDING` if the text is no ID, or is none behind the prefix
 */
export function derivedId(text: string, where: string, idPrefix = ''): RecordingId {
  const bare = parseRecordingId(text, where, 'RECORDING');
  if (bare.startsWith(idPrefix)) return bare;
  try {
    return parseRecordingId(idPrefix + bare, `${where}, behind idPrefix`, 'RECORDING');
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError('RECORDING', error.message, { hint: 'make it or idPrefix shorter, or give an ID with --id' });
  }
}

/** What the ID will probably be, of a folder that nobody has read yet; its name need not be an ID. */
export function probableId(name: string, idPrefix = ''): string {
  return name.startsWith(idPrefix) ? name : idPrefix + name;
}
