import { readFolder } from './read-folder.ts';
import { idFromFolder, parseOverrides, type RecordingDefaults, type RecordingOverrides } from './read-recording.ts';
import type { Recording, RecordingFile } from './recording.ts';
import { oneLine, readSidecar, type Sidecar } from './sidecar.ts';
import { defaultTitle, formatUtc } from './timestamps.ts';

/** A recording in progress, as its folder is now. */
export interface RecordingInProgress extends Pick<Recording, 'id' | 'dir' | 'details'> {
  video: RecordingFile;
}

/**
 * Reads a folder whose recording is not finished: what is known of it so far. The video is not read.
 * @throws AppError `RECORDING` if the folder is not a usable recording (yet), `USAGE` if an override is wrong
 */
export function readInProgress(
  dir: string,
  overrides: RecordingOverrides,
  { user, extraFiles, idPrefix }: RecordingDefaults,
): RecordingInProgress {
  const flags = parseOverrides(overrides);
  const folder = readFolder(dir, extraFiles);
  const { name, file } = folder.sidecar ?? {};
  const sidecar: Sidecar = name && file ? readSidecar(folder.dir, name, file) : {};
  const [video] = folder.files as [RecordingFile];
  const { birthtimeNs, mtimeNs } = folder.videoTimes;
  const start = flags.createdAt ?? sidecar.createdAt ?? (birthtimeNs > 0n ? birthtimeNs : mtimeNs) / 1000n;
  return {
    id: flags.id ?? idFromFolder(folder, sidecar, idPrefix),
    dir: folder.dir,
    video,
    details: {
      title: flags.title ?? sidecar.title ?? defaultTitle(start),
      createdAt: formatUtc(start),
      user: {
        username: flags.username ?? sidecar.username ?? oneLine(user.name),
        email: flags.email ?? sidecar.email ?? oneLine(user.email),
      },
    },
  };
}
