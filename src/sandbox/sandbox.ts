import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../core/errors.ts';
import { readSmallFile } from '../core/read-file.ts';
import { type FaultControl, Faults } from './faults/faults.ts';
import { type ReceiverOptions, type ReceiverSandbox, startReceiver } from './receiver/receiver-sandbox.ts';
import { writeAtomically } from './records.ts';
import { type S3Options, type S3Sandbox, startS3 } from './s3/s3-sandbox.ts';

export type { FaultAction, FaultControl, FaultRule } from './faults/faults.ts';
export type { ReceiverOptions, ReceiverSandbox } from './receiver/receiver-sandbox.ts';
export type { S3Operation } from './s3/route.ts';
export type { S3Options, S3Sandbox } from './s3/s3-sandbox.ts';

export interface SandboxOptions {
  /** Where everything is kept over restarts, the ports too. In memory unless given. One sandbox at a time. */
  dataDir?: string;
  /** `127.0.0.1` unless given. */
  host?: string;
  s3?: S3Options;
  receiver?: ReceiverOptions;
  /** Milliseconds since 1970; the system's clock unless given. */
  now?: () => number;
}

/** An S3 server and a recordings server, both running. */
export interface Sandbox {
  s3: S3Sandbox;
  receiver: ReceiverSandbox;
  /** What is to go wrong, in both servers. */
  faults: FaultControl;
  /** Stops both at once, whatever still hangs on them. */
  close(): Promise<void>;
}

interface Ports {
  s3?: number;
  receiver?: number;
}

/**
 * Starts the sandbox: an S3 server and the reference recordings server on loopback, with faults to inject.
 * @throws the system's error where a port that was demanded is taken, or the folder cannot be used
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { dataDir, host = '127.0.0.1', now = Date.now } = options;
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true });
  const portsFile = dataDir === undefined ? undefined : join(dataDir, 'ports.json');
  const lastPorts = portsFile === undefined ? {} : await readPorts(portsFile);

  const faults = new Faults();
  const closing = new AbortController();
  const context = { dataDir, host, faults, now, closing: closing.signal };
  const { s3, listener: s3Listener } = await startS3(options.s3 ?? {}, { ...context, preferredPort: lastPorts.s3 });
  const stopS3 = async (error: unknown): Promise<never> => {
    await s3Listener.close();
    throw error;
  };
  const { receiver, listener: receiverListener } = await startReceiver(options.receiver ?? {}, {
    ...context,
    preferredPort: lastPorts.receiver,
  }).catch(stopS3);
  const close = async () => {
    closing.abort();
    await Promise.all([s3Listener.close(), receiverListener.close()]);
  };

  if (portsFile !== undefined) {
    const ports: Ports = { s3: s3.port, receiver: receiver.port };
    await writeAtomically(portsFile, JSON.stringify(ports)).catch(async error => {
      await close();
      throw error;
    });
  }
  let closed: Promise<void> | undefined;
  return {
    s3,
    receiver,
    faults,
    close() {
      closed ??= close();
      return closed;
    },
  };
}

/** A convenience of the last run; without it any port will do. */
async function readPorts(file: string): Promise<Ports> {
  try {
    return JSON.parse((await readSmallFile(file)).bytes.toString('utf8')) as Ports;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || error instanceof SyntaxError) return {};
    throw error;
  }
}
