import { stat } from 'node:fs/promises';
import { requireCredentials } from '../config/requirements.ts';
import { AppError, hasErrorCode } from '../core/errors.ts';
import { parseRecordingId, type Recording, type RecordingId } from '../core/recording/recording.ts';
import { targetOf } from '../core/storage/target.ts';
import { persistentBucket } from '../core/upload/session.ts';
import { type VerifyReport, verifyRecording } from '../core/upload/verify-recording.ts';
import { checkLink, type LinkCheck } from './check-link.ts';
import { readFolder } from './recording-folder.ts';
import type { Runtime } from './runtime.ts';
import { orUnknown } from './unknown-recording.ts';

/** A recording in the bucket, or the folder to compare it with. */
export type Verified = { id: string } | { dir: string };

export interface VerifyRequest {
  recordings: readonly Verified[];
  /** The recording ID of the folder; without it, the sidecar's, else the folder's name. */
  id?: string | undefined;
  /** Read the objects back and recompute their checksums. */
  full?: boolean | undefined;
  /** Open the link of the first file, without credentials. */
  links?: boolean | undefined;
}

/** What was found, and with `links` whether everybody can open a link. */
export type VerifiedRecording = VerifyReport & {
  link?: LinkCheck;
  /** The folder that it is in, or was uploaded from; undefined if this machine does not know it. */
  folder?: string | undefined;
};

/**
 * Compares recordings in the bucket with what was uploaded or, where a folder is given, with that; one after the other.
 * @param onReport gets each report as soon as it is there
 * @throws AppError `VERIFICATION` if the bucket has nothing of a recording that the state knows, `USAGE` if the state does
 * not know it either, `STORAGE`, `RECORDING`, `CONFIG`
 */
export async function verify(
  { recordings, id, full = false, links = false }: VerifyRequest,
  runtime: Runtime,
  onReport: (report: VerifiedRecording) => void = () => {},
): Promise<VerifiedRecording[]> {
  requireCredentials(runtime.config);
  const session = await runtime.uploads();
  const deps = { ...session, bucket: persistentBucket(session) };
  const target = targetOf(runtime.config);
  const reports: VerifiedRecording[] = [];
  for (const one of recordings) {
    const meant = await resolveVerified(one, id, runtime);
    const found = await verifyRecording({ ...meant, full }, deps).catch(async (error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'VERIFICATION') throw error;
      throw await orUnknown(error, meant.id, deps.bucket, runtime);
    });
    const [first] = found.files.filter(file => file.verdict !== 'missing');
    const link = links && first ? await checkLink(first, runtime, runtime.signal) : undefined;
    const folder = found.dir ?? (await session.journal.recording({ target, recordingId: meant.id }))?.dir;
    const report = { ...found, folder, ...(link && { ok: found.ok && link.ok, link }) };
    reports.push(report);
    onReport(report);
  }
  return reports;
}

async function resolveVerified(
  verified: Verified,
  id: string | undefined,
  runtime: Runtime,
): Promise<{ id: RecordingId; local: Recording | undefined }> {
  if ('id' in verified) return { id: parseRecordingId(verified.id, 'id', 'USAGE'), local: undefined };
  // A duration that is given is not measured; verifying does not need it.
  const local = await readFolder(verified.dir, { id, durationSeconds: 0 }, runtime);
  return { id: local.id, local };
}

/** What a text names: a folder if there is one, or if only a path can be meant; else a recording's ID. */
export async function idOrFolder(text: string): Promise<Verified> {
  const isFolder = await stat(text).then(
    stats => stats.isDirectory(),
    error => {
      if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return false;
      throw error;
    },
  );
  return isFolder || /[/\\]/.test(text) ? { dir: text } : { id: text };
}
