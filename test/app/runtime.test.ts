import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openRuntime, type RuntimeOptions } from '../../src/app/runtime.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { CoreEvent } from '../../src/core/events.ts';
import { openDesk, openSandbox } from '../support/desk.ts';

const sandbox = await openSandbox();

/** A runtime on a desk of its own, and what its observer gets. */
async function open(options: Partial<RuntimeOptions> = {}, env: NodeJS.ProcessEnv = {}) {
  const desk = openDesk(sandbox, env);
  const { config } = await loadConfig({ cwd: desk.cwd, env: desk.env });
  const events: CoreEvent[] = [];
  const observer = (event: CoreEvent) => void events.push(event);
  const runtime = openRuntime(config, { env: desk.env, userAgent: 'test', uploadSource: 'test', observer, ...options });
  return { desk, config, runtime, events };
}

describe('a runtime', () => {
  test('makes nothing before it is asked for, and each part once', async () => {
    const { desk, runtime, config } = await open();
    await using used = runtime;
    expect(readdirSync(desk.home)).toEqual(['work']);
    expect(await used.overview()).toBeUndefined();
    expect(existsSync(config.stateDir)).toBe(false);
    expect(await used.state()).toBe(await used.state());
    expect(await used.uploads()).toBe(await used.uploads());
    expect(existsSync(config.stateDir)).toBe(true);
  });

  test('closes what was made, also what is still being made', async () => {
    const { runtime, config } = await open();
    const uploads = runtime.uploads();
    await runtime[Symbol.asyncDispose]();
    await uploads;
    // The lock file of a process that has closed the state is gone.
    expect(readdirSync(`${config.stateDir}/owners`)).toEqual([]);
  });

  test('starts the threads for a large file before a new state is open, and none if a state may know the file', async () => {
    const threads = () => readdirSync('/proc/self/task').length;
    const large = 64 * 1024 * 1024;
    const { runtime } = await open();
    await runtime.prepareUpload(1024);
    const before = threads();
    await runtime.prepareUpload(large);
    expect(threads()).toBeGreaterThan(before);
    await runtime.state();
    await runtime[Symbol.asyncDispose]();

    const { runtime: later } = await open();
    await later.state();
    const known = threads();
    await later.prepareUpload(large);
    expect(threads()).toBeLessThanOrEqual(known);
    await later[Symbol.asyncDispose]();
  });

  test('a part that cannot be made fails for whoever asks for it, and the rest is closed', async () => {
    const { runtime, config } = await open({}, { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
    await runtime.state();
    await expect(runtime.uploads()).rejects.toMatchObject({ code: 'CONFIG' });
    await runtime[Symbol.asyncDispose]();
    expect(readdirSync(`${config.stateDir}/owners`)).toEqual([]);
  });

  test('writes the log where that is asked for: all that happened before it was loaded, too', async () => {
    const { runtime, config, events } = await open({ log: true });
    runtime.observer({ type: 'warning', message: 'at once' });
    await runtime[Symbol.asyncDispose]();
    expect(JSON.parse(readFileSync(config.logFile, 'utf8'))).toMatchObject({ level: 'warn', msg: 'at once' });
    expect(events).toEqual([{ type: 'warning', message: 'at once' }]);
  });

  test('without a state it fails, or says what is lost and continues in memory', async () => {
    const env = { RECORDUPLOAD_STATE_DIR: 'obstacle/state' };
    const block = (stateDir: string) => {
      mkdirSync(dirname(dirname(stateDir)), { recursive: true });
      writeFileSync(dirname(stateDir), 'a file, not a folder');
    };
    const refusing = await open({}, env);
    block(refusing.config.stateDir);
    await expect(refusing.runtime.state()).rejects.toMatchObject({ code: 'STATE' });

    const continuing = await open({ withoutState: 'continue' }, env);
    block(continuing.config.stateDir);
    await using runtime = continuing.runtime;
    expect((await runtime.state()).isKept).toBe(false);
    expect(continuing.events).toEqual([
      { type: 'warning', message: expect.stringContaining('continuing without it'), isLoss: true },
    ]);
  });

  test('shows each request to whoever traces them', async () => {
    const requests: string[] = [];
    const { runtime } = await open({ trace: ({ operation, target }) => requests.push(`${operation} ${target}`) });
    await using used = runtime;
    const { bucket } = await used.uploads();
    expect(await bucket.head('nothing/there', used.signal)).toBeUndefined();
    expect(requests).toEqual(['HeadObject nothing/there']);
  });
});
