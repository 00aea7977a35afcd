import type { Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { hasErrorCode } from '../../core/errors.ts';
import { isUnfinishedName, roleOf } from '../../core/recording/file-roles.ts';

/** Hears of changes in folders, where the system tells of them. Some get lost, so somebody has to look now and then. */
export interface Ears {
  /**
   * Listens to a folder: to it, not to those below.
   * @param options.isRecording a folder that comes in it is no recording of its own
   */
  hear(dir: string, options: { isRecording: boolean }): void;
  /** How many folders it listens to. */
  readonly size: number;
  close(): Promise<void>;
}

interface Heard {
  isRecording: boolean;
  /** Since when it is listened to, in milliseconds since 1970. */
  at: number;
}

/** How long listening may take to begin; until then, what was there before is announced, too. */
const BEGINNING_MS = 30_000;
/** Time stamps of files may be a little behind the clock. */
const BEHIND_MS = 2_000;

function wasThere({ at }: Heard, { ctimeMs }: Stats, now: number): boolean {
  return now - at < BEGINNING_MS && ctimeMs < at - BEHIND_MS;
}

/** So many folders are listened to at most; beyond that, looking has to do. */
const MOST_FOLDERS = 4_096;

/**
 * @param now wall-clock time in milliseconds since 1970
 * @param onChange gets the folder in which something has changed that may matter
 * @param onDeaf called once if the system has no watches left; looking has to do from now on
 */
export function createEars({
  now,
  onChange,
  onDeaf,
}: {
  now: () => number;
  onChange: (dir: string) => void;
  onDeaf: (error: NodeJS.ErrnoException) => void;
}): Ears {
  let isDeaf = false;
  let watcher: FSWatcher | undefined;
  const heard = new Map<string, Heard>();
  const closing = new Set<Promise<void>>();
  const end = () => {
    const closed = watcher?.close().catch(() => {});
    watcher = undefined;
    heard.clear();
    if (closed) {
      closing.add(closed);
      void closed.then(() => closing.delete(closed));
    }
  };
  const open = (): FSWatcher =>
    watch([], {
      depth: 0,
      // What came between a look at the folder and the listening is among these.
      ignoreInitial: false,
      alwaysStat: true,
      ignored: (path, stats) => stats !== undefined && !stats.isDirectory() && !matters(basename(path)),
      followSymlinks: false,
      ignorePermissionErrors: true,
      atomic: false,
      backend: 'native',
    })
      .on('all', (event, path, stats) => {
        const folder = heard.get(dirname(path));
        // The look saw what was there before; and a folder announces itself when it is listened to.
        if (event === 'addDir' && heard.has(path)) return;
        if (folder && stats && event.startsWith('add') && wasThere(folder, stats, now())) return;
        // A folder that has come may be a recording.
        if (event === 'addDir' && !folder?.isRecording) onChange(path);
        else onChange(dirname(path));
      })
      .on('error', error => {
        if (!hasErrorCode(error, 'ENOSPC', 'EMFILE', 'ENFILE') || isDeaf) return;
        isDeaf = true;
        end();
        onDeaf(error);
      });
  return {
    get size() {
      return heard.size;
    },
    hear(dir, { isRecording }) {
      if (isDeaf) return;
      const known = heard.get(dir);
      if (known) {
        known.isRecording = isRecording;
        return;
      }
      // The next look adds those again that still matter; so nothing piles up for folders that are long gone.
      if (heard.size >= MOST_FOLDERS) end();
      heard.set(dir, { isRecording, at: now() });
      watcher ??= open();
      watcher.add(dir);
    },
    async close() {
      end();
      await Promise.all(closing);
    },
  };
}

/** Files of a recording, and what becomes one. */
function matters(name: string): boolean {
  return roleOf(name, []) !== undefined || /\.json$/i.test(name) || isUnfinishedName(name);
}
