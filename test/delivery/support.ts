import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../src/core/payload/payload.ts';
import { openState, type State } from '../../src/state/open.ts';
import { type Desk, EMAIL, SECRETS } from '../support/desk.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Obvious fakes, of the right length. */
export const SIGNING_SECRETS = [1, 2].map(byte => `whsec_${Buffer.alloc(32, byte).toString('base64')}`);

/** Does something with the state of a folder, as another process would. */
export async function withState<T>(stateDir: string, work: (state: State) => Promise<T>): Promise<T> {
  const state = await openState(stateDir);
  try {
    return await work(state);
  } finally {
    await state.close();
  }
}

/** Queues a small payload for each id and endpoint, without an upload. */
export async function queue(
  stateDir: string,
  ids: readonly string[],
  endpoints: readonly string[] = ['default'],
): Promise<void> {
  await withState(stateDir, async ({ outbox }) => {
    for (const recordingId of ids) {
      const payload = { recording_id: Number(recordingId), title: 'Weekly', user_info: { email: EMAIL } };
      await outbox.enqueue({
        recordingId,
        endpoints,
        payload: JSON.stringify(payload),
        contentHash: contentHash(payload as never),
        now: Date.now(),
      });
    }
  });
}

/** Writes the user's own configuration; the variables for a single endpoint must not be set there. */
export function configure(desk: Desk, config: unknown): void {
  const folder = join(desk.home, '.config', 'recordupload');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config), { mode: 0o600 });
}

/** An endpoint with the sandbox's token, in a file outside of the desk: no secret is to be found there. */
export function endpointWithToken(name: string, url: string, more: Record<string, unknown> = {}) {
  return { name, url, tokenFile: secretFile(SECRETS.token), ...more };
}

/** A file that only its owner can read. Returns its path. */
export function secretFile(text: string): string {
  const file = join(tempDir(), 'secret');
  writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
}

/** For `openDesk`: the endpoints come from a file. */
export const NO_ENDPOINT = { WEBHOOK_URL: undefined, WEBHOOK_TOKEN: undefined };

/** A self-signed certificate, made anew. `sans` such as `IP:127.0.0.1`. */
export function certificate(sans = 'IP:127.0.0.1,DNS:localhost', days = '2') {
  const dir = join(tempDir(), 'tls');
  mkdirSync(dir);
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', days];
  const subject = ['-subj', '/CN=recordupload test', '-addext', `subjectAltName=${sans}`];
  execFileSync('openssl', ['req', '-x509', '-nodes', ...curve, '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  });
  return { certFile: cert, tls: { key: readFileSync(key), cert: readFileSync(cert) } };
}
