import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildInto } from '../../scripts/private-build.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { KillMoment } from './scenario.ts';

/** A build of its own, which no other build replaces under the campaign's feet. */
export async function buildProgram(): Promise<{ main: string; remove(): void }> {
  const dir = mkdtempSync(join(tmpdir(), 'recordupload-crash-'));
  return { main: await buildInto(dir), remove: () => rmSync(dir, { recursive: true, force: true }) };
}

export interface Ended {
  killed: boolean;
  code: number | null;
  stdout: string;
  stderr: string;
}

/** No run of the campaign takes that long, not even one that waits for a late payload: one that does hangs. */
const HANGS_AFTER_MS = 150_000;

/** Runs the program to its end, or kills it at the given moment; whichever comes first. */
export async function runProgram(
  main: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; cwd: string },
  sandbox: Sandbox,
  moment?: KillMoment,
): Promise<Ended> {
  const trap = moment && setTrap(moment, sandbox);
  const child = spawn(process.execPath, [main, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text;
  });
  const over = new AbortController();
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done, failed) => {
    child.on('error', failed);
    child.on('close', (code, signal) => done({ code, signal }));
  });
  const hanging = setTimeout(() => {
    stderr += `it hung for ${HANGS_AFTER_MS} ms`;
    child.kill('SIGABRT');
  }, HANGS_AFTER_MS);
  if (trap) void killWhen(trap, child, over.signal);
  const { code, signal } = await ended;
  over.abort();
  clearTimeout(hanging);
  trap?.remove();
  return { killed: signal === 'SIGKILL', code, stdout, stderr };
}

interface Trap {
  sprung(elapsedMs: number): boolean;
  remove(): void;
}

async function killWhen(trap: Trap, child: ChildProcess, over: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  while (!over.aborted && !trap.sprung(performance.now() - startedAt)) await sleep(2);
  if (!over.aborted) child.kill('SIGKILL');
}

function setTrap(moment: KillMoment, sandbox: Sandbox): Trap {
  if (moment.when === 'time') return { sprung: elapsedMs => elapsedMs >= moment.afterMs, remove() {} };
  if (moment.when === 'mid-body') {
    const seen = sandbox.s3.requests().length;
    return {
      sprung() {
        const parts = sandbox.s3
          .requests()
          .slice(seen)
          .filter(request => request.operation === 'UploadPart');
        return (parts[moment.nth - 1]?.bodyBytes ?? 0) >= moment.bytes;
      },
      remove() {},
    };
  }
  const { server, operation, nth, side } = moment;
  // The answer never comes, so the client cannot get past this request before it dies.
  const fault = sandbox.faults.add({ server, ...(operation && { operation }), from: nth, action: { hang: side } });
  let hitAt: number | undefined;
  return {
    sprung(elapsedMs) {
      if (fault.hits() > 0) hitAt ??= elapsedMs;
      // `after`: leave the server the time to do what it was asked.
      return hitAt !== undefined && (side === 'before' || elapsedMs - hitAt >= 100);
    },
    remove: () => fault.remove(),
  };
}
