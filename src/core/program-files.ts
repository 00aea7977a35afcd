import { readFileSync } from 'node:fs';

/** What the browser loads, by its name in `dist/`. */
type ProgramFile = 'dashboard/dashboard.js' | 'dashboard/dashboard.css';

/** What threads run, each one file in `dist/`, by its source. */
const THREADS = { 'hash-worker': './storage/hash-worker.ts' } as const;

/** The program runs in one of three forms, and each has its files elsewhere. */
interface ProgramFiles {
  read(name: ProgramFile): Buffer<ArrayBuffer>;
  /** The module that a thread runs, or the text of one. */
  thread(name: keyof typeof THREADS): URL | string;
}

/** `node src/cli/main.ts`: what the browser loads comes from the last build. */
const besideSources: ProgramFiles = {
  read: name => readFileSync(new URL(`../../dist/${name}`, import.meta.url)),
  thread: name => new URL(THREADS[name], import.meta.url),
};

/** The program and the library as the build leaves them in `dist/`. */
const besideBundle: ProgramFiles = {
  read: name => readFileSync(new URL(`./${name}`, import.meta.url)),
  thread: name => new URL(`./${name}.cjs`, import.meta.url),
};

/** A single executable has them as assets (`scripts/executables/`), which a thread cannot load: it gets the text. */
const inExecutable: ProgramFiles = {
  read: name => Buffer.from(sea().getAsset(name)),
  thread: name => sea().getAsset(`${name}.cjs`, 'utf8'),
};

/** The files of the program, in the form in which it runs. */
export function programFiles(): ProgramFiles {
  if (import.meta.url.endsWith('.ts')) return besideSources;
  return sea().isSea() ? inExecutable : besideBundle;
}

/** Loaded late: few commands need one of these files. */
const sea = () => process.getBuiltinModule('node:sea');
