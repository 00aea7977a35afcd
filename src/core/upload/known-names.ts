import { hasOneForm, sameName } from '../recording/name-form.ts';
import type { Recording } from '../recording/recording.ts';
import type { UploadSession } from './session.ts';

/**
 * The recording with its files under the names that the bucket has them by. Earlier versions stored a name in the Unicode form
 * that its folder had; such an object keeps its key.
 * @throws AppError `STATE`
 */
export async function withKnownNames(recording: Recording, { journal, bucket }: UploadSession): Promise<Recording> {
  const { id, files } = recording;
  if (files.every(({ name }) => hasOneForm(name))) return recording;
  const known = (await journal.files({ target: bucket.target, recordingId: id })).map(({ name }) => name);
  return { ...recording, files: files.map(file => ({ ...file, name: sameName(file.name, known) ?? file.name })) };
}
