import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts';
import { makeOld } from '../../support/make-old.ts';
import type { Check } from './check.ts';
import { deliveriesOf, EMAIL, mountDisk, start, tempDir, unmountDisk } from './stage.ts';

const FIXTURE = resolve(import.meta.dirname, '../../../fixtures/recordings/3');
const PAGE = 4096;
/** What a run says that met the full disk, or whose webhook could not be kept. */
const REASON = /\b(disk|full|state|lost)\b/;

/** A small disk on which a state folder lives, and that can be filled to the page. */
interface SmallDisk {
  stateDir: string;
  fill(freeBytes: number): void;
  free(): void;
  setReadOnly(isReadOnly: boolean): void;
  remove(): void;
}

/**
 * An upload whose state folder's disk has ever fewer pages left: it succeeds or says why not, what it could not store is
 * named, the state stays whole, and the next run with some room finishes all of it.
 */
export async function fullDisk(check: Check): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const sandbox = await startSandbox({ receiver: { users: 'any' } });
  try {
    await fillStepByStep(check, sandbox, { isUsed: false, answer: 201 });
    await fillStepByStep(check, sandbox, { isUsed: true, answer: 201 });
    await fillStepByStep(check, sandbox, { isUsed: true, answer: 503 });
    await readOnly(check, sandbox);
  } finally {
    await sandbox.close();
  }
}

let lastId = 5000;

async function fillStepByStep(
  check: Check,
  sandbox: Sandbox,
  { isUsed, answer }: { isUsed: boolean; answer: number },
): Promise<void> {
  const codes = new Map<number | null, number>();
  const said = new Set<string>();
  const problems: string[] = [];
  let lastGood = 0;
  for (let pages = 0; pages < 200 && lastGood < 2; pages += 2) {
    const disk = makeDisk();
    try {
      if (isUsed) await upload(sandbox, disk, newRecording());
      disk.fill(pages * PAGE);
      const recording = newRecording();
      if (answer !== 201) sandbox.faults.add({ server: 'webhook', action: { answer: { status: answer } } });
      const { code, stderr, stdout } = await upload(sandbox, disk, recording);
      sandbox.faults.clear();
      codes.set(code, (codes.get(code) ?? 0) + 1);
      for (const line of stderr.split('\n').filter(line => /stor|disk|state/.test(line))) said.add(line);
      if (![0, 4, 5].includes(code ?? -1)) problems.push(`${pages} pages: exit ${code}: ${stderr}`);
      const promised = code === 4 ? await promises(sandbox, disk, recording) : [];
      problems.push(...promised.map(problem => `${pages} pages: ${problem}`));
      const isClean = !REASON.test(stderr);
      if (code === 0 && isClean) lastGood++;
      if (code !== 0 && !REASON.test(stderr + stdout)) problems.push(`${pages} pages: no reason: ${stderr}`);
      disk.free();
      problems.push(...(await finishes(sandbox, disk, recording)).map(problem => `${pages} pages: ${problem}`));
    } finally {
      disk.remove();
    }
  }
  const names = [...said].some(line => /webhook delivery .*of recording \d+/.test(line));
  const where = `${isUsed ? 'a used' : 'a new'} state, webhook answered ${answer}`;
  const counts = [...codes].map(([code, times]) => `${times} × exit ${code}`).join(', ');
  check(`full disk (${where}): ${counts}; each time the reason, and a whole state`, problems.length === 0, problems);
  if (isUsed) check(`full disk (${where}): the delivery that was not stored is named`, names, [...said]);
}

/** Exit 4 says that `retry` finishes the upload: then the state knows of it. Returns what is wrong. */
async function promises(sandbox: Sandbox, disk: SmallDisk, { id }: Recording): Promise<string[]> {
  disk.free();
  const { stdout } = await run(['retry', '--list', '--json'], sandbox, disk);
  const { uploads } = JSON.parse(stdout).result as { uploads: { recordingId: string }[] };
  return uploads.some(({ recordingId }) => recordingId === String(id)) ? [] : ['exit 4, and retry knows nothing of it'];
}

/** With room again, one more run brings all to its end. Returns what is wrong. */
async function finishes(sandbox: Sandbox, disk: SmallDisk, recording: Recording): Promise<string[]> {
  const problems: string[] = [];
  const file = join(disk.stateDir, 'state.db');
  if (existsSync(file)) {
    const database = new DatabaseSync(file);
    const verdict = database.prepare('PRAGMA integrity_check').get()?.integrity_check;
    database.close();
    if (verdict !== 'ok') problems.push(`the state is damaged: ${verdict}`);
  }
  const again = await upload(sandbox, disk, recording);
  if (again.code !== 0) problems.push(`the next run ended with ${again.code}: ${again.stderr}`);
  if (!sandbox.receiver.recording(recording.id)) problems.push('the server was never told');
  const pending = (await deliveriesOf(disk.stateDir)).filter(({ state }) => state !== 'delivered');
  if (pending.length > 0) problems.push(`${pending.length} are still waiting`);
  return problems;
}

async function readOnly(check: Check, sandbox: Sandbox): Promise<void> {
  const disk = makeDisk();
  try {
    for (const kind of ['new', 'used']) {
      disk.setReadOnly(false);
      if (kind === 'used') await upload(sandbox, disk, newRecording());
      disk.setReadOnly(true);
      const recording = newRecording();
      const { code, stderr } = await upload(sandbox, disk, recording);
      const isTold = sandbox.receiver.recording(recording.id) !== undefined;
      const says =
        /the state folder .* (cannot be created|is not writable|is on a read-only disk).*continuing without it/.test(
          stderr,
        );
      const sentence = `a read-only disk with a ${kind} state: said, and the upload goes on`;
      // A used state may hold an older webhook, so nothing is sent around it.
      const isRight = kind === 'new' ? code === 0 && isTold : code === 5 && !isTold;
      check(sentence, isRight && says, { code, stderr });
    }
  } finally {
    disk.remove();
  }
}

interface Recording {
  id: number;
  dir: string;
}

function newRecording(): Recording {
  const id = ++lastId;
  const dir = join(tempDir(), String(id));
  cpSync(FIXTURE, dir, { recursive: true });
  rmSync(join(dir, 'recording.json'), { force: true });
  makeOld(dir);
  return { id, dir };
}

function upload(sandbox: Sandbox, disk: SmallDisk, { dir }: Recording) {
  return run(['upload', dir], sandbox, disk);
}

function run(args: readonly string[], { s3, receiver }: Sandbox, { stateDir }: SmallDisk) {
  return start(args, {
    RECORDUPLOAD_STATE_DIR: stateDir,
    RECORDUPLOAD_ENDPOINT: s3.url,
    RECORDUPLOAD_BUCKET: s3.bucket,
    RECORDUPLOAD_USER_EMAIL: EMAIL,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    WEBHOOK_URL: receiver.url,
    WEBHOOK_TOKEN: receiver.token,
  }).result;
}

function makeDisk(): SmallDisk {
  const mountPoint = mountDisk('4m');
  const filler = join(mountPoint, 'filler');
  return {
    stateDir: join(mountPoint, 'state'),
    fill(freeBytes) {
      const { bavail, bsize } = statfsSync(mountPoint);
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - freeBytes)));
    },
    free: () => rmSync(filler, { force: true }),
    setReadOnly: isReadOnly => {
      execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, mountPoint]);
    },
    remove: () => unmountDisk(mountPoint),
  };
}
