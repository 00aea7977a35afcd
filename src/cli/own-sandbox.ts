import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, isOutOfFiles, isSystemError, OPEN_FILES_HINT } from '../core/errors.ts';
import { whyNotWritten } from '../core/write-failure.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import type { Terminal } from './terminal/terminal.ts';

/** A sandbox for one command: both servers, a state folder, and the environment that points at them. */
export interface OwnSandbox {
  env: NodeJS.ProcessEnv;
  /** An empty folder to load the configuration from, so that the user's own files do not count. */
  folder: string;
  close(): Promise<void>;
}

/**
 * Starts a sandbox. Of the user's own configuration, only the e-mail address counts.
 * @param parent where its folder is made
 * @throws AppError `USAGE` if that takes no folder
 */
export async function openOwnSandbox({ env }: Pick<Terminal, 'env'>, parent: string = tmpdir()): Promise<OwnSandbox> {
  const folder = await makeTemporaryFolder(parent);
  const email = env.RECORDUPLOAD_USER_EMAIL || 'operator@example.com';
  const sandbox = await startSandbox({ receiver: { users: 'any' } }).catch(async error => {
    await rm(folder, { recursive: true, force: true });
    if (!isOutOfFiles(error)) throw error;
    throw new AppError('USAGE', 'the sandbox cannot start: too many open files', {
      hint: OPEN_FILES_HINT,
      cause: error,
    });
  });
  return {
    folder,
    env: {
      ...pick(env, ['PATH', 'TZ', 'LANG']),
      HOME: folder,
      RECORDUPLOAD_USER_EMAIL: email,
      ...sandboxEnvironment(sandbox),
      RECORDUPLOAD_STATE_DIR: join(folder, 'state'),
    },
    async close() {
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeTemporaryFolder(parent: string): Promise<string> {
  try {
    return await mkdtemp(join(parent, 'recordupload-sandbox-'));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const why = error.code === 'ENOENT' ? 'it does not exist' : whyNotWritten(error, join(parent, 'x'));
    throw new AppError('USAGE', `the sandbox gets no folder in ${parent}: ${why}`, {
      hint: 'set TMPDIR to a folder with room that you may write',
      cause: error,
    });
  }
}

/** The variables that point recordupload at a sandbox. */
export function sandboxEnvironment({ s3, receiver }: Sandbox): Record<string, string> {
  return {
    RECORDUPLOAD_ENDPOINT: s3.url,
    RECORDUPLOAD_REGION: s3.region,
    RECORDUPLOAD_BUCKET: s3.bucket,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    WEBHOOK_URL: receiver.url,
    WEBHOOK_TOKEN: receiver.token,
  };
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(names.flatMap(name => (env[name] === undefined ? [] : [[name, env[name]]])));
}
