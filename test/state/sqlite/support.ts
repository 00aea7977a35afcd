import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import { AppError } from '../../../src/core/errors.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Undone after the test, last first. */
export function afterTest(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export function tempFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'recordupload-sqlite-'));
  afterTest(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A process of `helper-process.ts`, ready for its word. */
export interface Helper {
  /** Lets it go on; resolves with what it prints until it ends. */
  go(): Promise<string>;
}

/** Starts a process of `helper-process.ts`; resolves once it is ready. */
export async function startHelper(...args: string[]): Promise<Helper> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'helper-process.ts'), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  afterTest(() => child.kill('SIGKILL'));
  let printed = '';
  child.stdout!.setEncoding('utf8').on('data', text => {
    printed += text;
  });
  while (!printed.startsWith('ready')) await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]);
  return {
    async go() {
      child.stdin!.end('go');
      await once(child, 'close');
      return printed.slice('ready\n'.length).trim();
    },
  };
}

/** The `AppError` that a promise is rejected with. */
export async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${String(error)}`, { cause: error });
}
