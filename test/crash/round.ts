import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { writeSource } from '../core/upload/write-source.ts';
import { makeOld } from '../support/make-old.ts';
import type { Cluster } from '../support/postgres.ts';
import { checkDelivery, checkFleetState, checkSpool, checkState } from './check.ts';
import { type Ended, runProgram } from './program.ts';
import type { Scenario } from './scenario.ts';

/** What came of a scenario: no problems, or what is wrong. */
export interface RoundResult {
  scenario: Scenario;
  kills: number;
  problems: string[];
}

const ID = '42';
const EMAIL = 'operator@example.com';

/**
 * Uploads one recording with all the kills of its scenario, finishes it, and looks at everything that is left.
 * @param cluster for the state; SQLite unless given
 */
export async function playRound(scenario: Scenario, main: string, cluster?: Cluster): Promise<RoundResult> {
  const home = mkdtempSync(join(tmpdir(), 'crash-'));
  const sandbox = await startSandbox({ s3: { etags: scenario.etags }, receiver: { users: 'any' } });
  const problems: string[] = [];
  const database = await cluster?.createDatabase();
  let kills = 0;
  try {
    const dir = join(home, ID);
    mkdirSync(dir);
    for (const [name, size] of Object.entries(scenario.files)) writeSource(join(dir, name), size, scenario.seed);
    makeOld(dir);
    const stateDir = join(home, 'state');
    const { s3, receiver } = sandbox;
    const options = {
      cwd: home,
      env: {
        PATH: process.env.PATH,
        HOME: home,
        RECORDUPLOAD_STATE_DIR: stateDir,
        ...(cluster && database && { RECORDUPLOAD_STATE_URL: cluster.url(database) }),
        RECORDUPLOAD_ENDPOINT: s3.url,
        RECORDUPLOAD_BUCKET: s3.bucket,
        RECORDUPLOAD_USER_EMAIL: EMAIL,
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        WEBHOOK_URL: receiver.url,
        WEBHOOK_TOKEN: receiver.token,
        // An obvious fake; signed webhooks carry an id.
        WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      },
    };
    const fixed = scenario.concurrency === undefined ? [] : ['--concurrency', String(scenario.concurrency)];
    let title = 'A meeting';
    const argsOf = (command: 'upload' | 'retry') =>
      command === 'retry'
        ? ['retry', '--now', '--json']
        : ['upload', dir, '--duration', '60', '--title', title, '--json', ...fixed];
    for (const fault of scenario.faults) sandbox.faults.add(fault);
    for (const [index, lateMs] of scenario.lateMs.entries()) {
      sandbox.faults.add({ server: 'webhook', from: index + 1, action: { lateMs } });
    }
    const changesTitle = scenario.lateMs.length > 0;
    const there: Stored[] = [];
    let command: 'upload' | 'retry' = 'upload';
    for (const [index, moment] of scenario.kills.entries()) {
      const before = command;
      if (changesTitle) title = `The meeting, version ${index + 1}`;
      const ended = await runProgram(main, argsOf(before), options, sandbox, moment);
      command = scenario.next[index] ?? 'upload';
      if (!ended.killed) {
        // It ended before its moment came: there is nothing left to kill.
        problems.push(...problemsOfRun(before, ended));
        if (before === 'upload') break;
        continue;
      }
      kills += 1;
      await quiet(sandbox);
      there.push(whatIsThere(sandbox, scenario, sandbox.s3.requests().length));
    }
    // A retry knows only what was accepted; an upload always has the last word.
    if (command === 'retry')
      problems.push(...problemsOfRun('retry', await runProgram(main, argsOf('retry'), options, sandbox)));
    const lastUpload = async () => {
      const from = sandbox.s3.requests().length;
      problems.push(...problemsOfRun('upload', await runProgram(main, argsOf('upload'), options, sandbox)));
      return sandbox.s3
        .requests()
        .slice(from)
        .filter(request => request.bodyBytes > 0);
    };
    if (changesTitle) title = 'The meeting, last version';
    const sentLast = await lastUpload();
    // What killed runs had sent has arrived by then.
    await sleep(Math.max(0, ...scenario.lateMs));
    problems.push(...sentTwice(sandbox, there));
    problems.push(...(await checkBucket(sandbox, dir, scenario)));
    problems.push(...(await checkDelivery(sandbox, ID, scenario.files, title)));
    if (cluster && database) problems.push(...(await checkFleetState(cluster, database, ID)), ...checkSpool(stateDir));
    else problems.push(...checkState(stateDir, ID));

    const sentAgain = sentLast.length === 0 ? [] : await lastUpload();
    if (sentAgain.length > 0) problems.push(`a run after the end sent ${sentAgain.map(({ key }) => key).join(', ')}`);
  } finally {
    await sandbox.close();
    if (database) await cluster?.dropDatabase(database);
    rmSync(home, { recursive: true, force: true });
  }
  return { scenario, kills, problems };
}

function problemsOfRun(command: string, { code, stdout, stderr }: Ended): string[] {
  return code === 0 && stderr === '' ? [] : [`${command} ended with ${code}: ${stderr || stdout}`.trimEnd()];
}

/** Waits until the server has done with what dead clients left it. */
async function quiet(sandbox: Sandbox): Promise<void> {
  const seen = () => JSON.stringify(sandbox.s3.uploads()) + sandbox.s3.objects().length;
  for (let last = seen(), same = 0; same < 3; ) {
    await sleep(15);
    const now = seen();
    same = now === last ? same + 1 : 0;
    last = now;
  }
}

/** What the bucket has once a run is dead: whatever comes after the `from`-th request must not send it again. */
interface Stored {
  from: number;
  parts: Set<string>;
  objects: Set<string>;
}

function whatIsThere({ s3 }: Sandbox, scenario: Scenario, from: number): Stored {
  const known = (key: string) => key !== `${ID}/metadata.json`;
  // Opaque ETags prove nothing: what the state does not know is sent again then, and rightly so.
  if (scenario.etags === 'opaque') return { from, parts: new Set(), objects: new Set() };
  return {
    from,
    parts: new Set(
      s3.uploads().flatMap(({ uploadId, parts }) => parts.map(({ partNumber }) => `${uploadId} ${partNumber}`)),
    ),
    objects: new Set(
      s3
        .objects()
        .map(({ key }) => key)
        .filter(known),
    ),
  };
}

function sentTwice({ s3 }: Sandbox, there: readonly Stored[]): string[] {
  const requests = s3.requests();
  return there.flatMap(({ from, parts, objects }, kill) =>
    requests.slice(from).flatMap(({ operation, key, uploadId, partNumber, bodyBytes }) => {
      const part = operation === 'UploadPart' && parts.has(`${uploadId} ${partNumber}`);
      const object = ['PutObject', 'UploadPart', 'CreateMultipartUpload'].includes(operation) && objects.has(key);
      if (!part && !object) return [];
      return [
        `${operation} ${key} ${partNumber ?? ''} (${bodyBytes} bytes) although it was there after run ${kill + 1}`,
      ];
    }),
  );
}

async function checkBucket({ s3 }: Sandbox, dir: string, { files }: Scenario): Promise<string[]> {
  const problems: string[] = [];
  for (const name of Object.keys(files)) {
    const object = await s3.read(`${ID}/${name}`).catch(() => undefined);
    if (!object) problems.push(`${name} is not in the bucket`);
    else if (digest(object) !== digest(readFileSync(join(dir, name)))) problems.push(`${name} has other bytes`);
  }
  const keys = s3.objects().map(({ key }) => key);
  if (keys.length !== Object.keys(files).length + 1) problems.push(`the bucket has ${keys.join(', ')}`);
  for (const { key, parts } of s3.uploads())
    problems.push(`an upload of ${key} with ${parts.length} parts is left over`);
  return problems;
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
