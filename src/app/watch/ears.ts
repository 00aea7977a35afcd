import type { Stats } from 'node:fs';
import { basename, dirname, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { hasErrorCode } from '../../core/errors.ts';
import { isUnfinishedName, roleOf } from '../../core/recording/file-roles.ts';
import type { Moment } from './finished.ts';

/** Hears of changes in folders, where the system tells of them. Some get lost, so somebody has to look now and then. */
export interface Ears {
  /** Listens to a folder: to it, not to those below. */
  hear(dir: string, folder: HeardFolder): void;
  /** Listens to nothing until the next `hear`: what was heard may be other folders now. */
  forget(): void;
  close(): Promise<void>;
}

export interface HeardFolder {
  /** A folder that comes in it is no recording of its own. */
  isRecording: boolean;
  /** How many entries it has. */
  entries: number;
  /** It has come while others were listened to. */
  isNew: boolean;
}

interface Heard {
  isRecording: boolean;
  entries: number;
  /** Since when it is listened to. */
  at: Moment;
  /**
   * Its own. One for all would wait for each folder that was removed to come again, and look for it at every change in the
   * folder above.
   */
  watcher: FSWatcher;
}

/** Folders that are listened to, within limits: listening takes memory for each folder, and for each entry in it. */
interface Lane {
  heard: Map<string, Heard>;
  entries: number;
}

/** Of those that were there, the first ones count; the folders next to the root come before those below. */
const OLD_LANE = { folders: 4_096, entries: 50_000 };
/** Of those that come, the last ones count. */
const NEW_LANE = { folders: 1_024, entries: 50_000 };

/** How long listening may take to begin; until then, what was there before is announced, too. */
const BEGINNING_MS = 30_000;
/** Time stamps of files may be a little behind the clock. */
const BEHIND_MS = 2_000;

export interface EarsOptions {
  now(): Moment;
  /** Gets the folder in which something has changed that may matter. */
  onChange(dir: string): void;
  /** Called once if the system has no watches left; looking has to do from now on. */
  onDeaf(error: NodeJS.ErrnoException): void;
}

export function createEars({ now, onChange, onDeaf }: EarsOptions): Ears {
  let isDeaf = false;
  const lanes = { old: newLane(), new: newLane() };
  const closing = new Set<Promise<void>>();
  const close = ({ watcher }: Heard) => {
    const closed = watcher.close().catch(() => {});
    closing.add(closed);
    void closed.then(() => closing.delete(closed));
  };
  const find = (dir: string) => lanes.new.heard.get(dir) ?? lanes.old.heard.get(dir);
  const end = (lane: Lane) => {
    for (const one of lane.heard.values()) close(one);
    Object.assign(lane, newLane());
  };
  const leave = (dir: string) => {
    for (const lane of [lanes.old, lanes.new]) {
      for (const [one, heard] of lane.heard) {
        if (one !== dir && !one.startsWith(dir + sep)) continue;
        lane.heard.delete(one);
        lane.entries -= heard.entries;
        close(heard);
      }
    }
  };
  const open = (dir: string) =>
    watch(dir, {
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
        const folder = find(dirname(path));
        // Another one may come under this name, and the system tells nothing about that one yet.
        if (event === 'unlinkDir') leave(path);
        // The look saw what was there before; and a folder announces itself when it is listened to.
        if (event === 'addDir' && find(path)) return;
        if (folder && stats && event.startsWith('add') && wasThere(folder, stats, now())) return;
        // A folder that has come may be a recording.
        if (event === 'addDir' && !folder?.isRecording) onChange(path);
        else onChange(dirname(path));
      })
      .on('error', error => {
        if (!hasErrorCode(error, 'ENOSPC', 'EMFILE', 'ENFILE') || isDeaf) return;
        isDeaf = true;
        end(lanes.old);
        end(lanes.new);
        onDeaf(error);
      });
  return {
    hear(dir, { isRecording, entries, isNew }) {
      if (isDeaf) return;
      const known = find(dir);
      if (known) {
        known.isRecording = isRecording;
        return;
      }
      const [lane, most] = isNew ? [lanes.new, NEW_LANE] : [lanes.old, OLD_LANE];
      if (entries > most.entries) return;
      if (lane.heard.size >= most.folders || lane.entries + entries > most.entries) {
        if (!isNew) return;
        end(lane);
      }
      lane.heard.set(dir, { isRecording, entries, at: now(), watcher: open(dir) });
      lane.entries += entries;
    },
    forget() {
      end(lanes.old);
      end(lanes.new);
    },
    async close() {
      end(lanes.old);
      end(lanes.new);
      await Promise.all(closing);
    },
  };
}

function newLane(): Lane {
  return { heard: new Map(), entries: 0 };
}

function wasThere({ at }: Heard, { ctimeMs }: Stats, { now, monotonic }: Moment): boolean {
  const heardForMs = monotonic - at.monotonic;
  // After a jump of the clock, time stamps prove nothing.
  const hasJumped = Math.abs(now - at.now - heardForMs) > BEHIND_MS;
  return heardForMs < BEGINNING_MS && !hasJumped && ctimeMs < at.now - BEHIND_MS;
}

/** Files of a recording, and what becomes one. */
function matters(name: string): boolean {
  return roleOf(name, []) !== undefined || /\.json$/i.test(name) || isUnfinishedName(name);
}
