import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Store } from '../core/storage/support.ts';

export const KEYS = { accessKeyId: 'CONTRACTKEY', secretAccessKey: 'contract-secret' };

/** An S3 server that is one process. */
export interface StoreProcess {
  /** Kills it, and starts it again with the same command. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  pid(): number | undefined;
}

/**
 * Starts a server, and waits until it answers.
 * @param url where it listens
 * @throws Error with the end of what the server said, where it does not answer within a minute
 */
export async function startProcess(
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string | undefined>>,
  url: string,
): Promise<StoreProcess> {
  let child: ChildProcess;
  const start = async () => {
    const [program, ...args] = command;
    let said = '';
    child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const hear = (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-2_000);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('error', error => {
      said = error.message;
    });
    const until = Date.now() + 60_000;
    while (!(await answers(url))) {
      if (child.exitCode !== null || !child.pid || Date.now() > until) {
        await stop();
        throw new Error(`${program} did not start: ${said}`);
      }
      await sleep(50);
    }
  };
  const stop = async () => {
    if (!child.pid || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  await start();
  return {
    async restart() {
      await stop();
      await start();
    },
    stop,
    pid: () => child.pid,
  };
}

/** True once a server sends any response at all. */
async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.body?.cancel();
  return response !== undefined;
}

/** Makes the bucket that the suite uses. Servers that have just started may need a few tries. */
export async function makeBucket({ s3 }: Store): Promise<void> {
  const { url: endpoint, region, bucket, ...credentials } = s3;
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials, maxAttempts: 10 });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
}

/** The first of two neighbouring ports that are free. @param from other stores, started at the same time, look elsewhere */
export async function freePorts(from: number): Promise<number> {
  for (let port = from; port < from + 500; port += 2) {
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
  throw new Error('no port is free');
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
