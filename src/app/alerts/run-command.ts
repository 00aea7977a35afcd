import { spawn } from 'node:child_process';
import { isSecretVariable } from '../../config/keys.ts';

const TIMEOUT_MS = 30_000;
/** Of what it writes to stderr. */
const MOST_READ = 2_000;

/**
 * Runs a command of the operator in the shell, with the alert as JSON on its stdin and the event in
 * `RECORDUPLOAD_ALERT_EVENT`. It gets none of recordupload's secrets.
 * @returns what went wrong; undefined if it ended with 0 within 30 s
 */
export async function runCommand(
  command: string,
  { event, body, env, signal }: { event: string; body: string; env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<string | undefined> {
  const inherited = Object.entries(env).filter(([name]) => !isSecretVariable(name));
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  return await new Promise(resolve => {
    const child = spawn(command, {
      shell: true,
      env: { ...Object.fromEntries(inherited), RECORDUPLOAD_ALERT_EVENT: event },
      stdio: ['pipe', 'ignore', 'pipe'],
      signal: limit,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (said.length < MOST_READ) said += chunk.slice(0, MOST_READ);
    });
    child.on('error', error => resolve(limit.aborted ? 'it did not end within 30 s' : error.message));
    // Not `close`: a process that it leaves in the background may keep its stderr open.
    child.on('exit', (code, killedBy) => {
      child.stderr.destroy();
      if (code === 0) resolve(undefined);
      else resolve(`${killedBy ? `ended by ${killedBy}` : `exit status ${code}`}${said === '' ? '' : `: ${said}`}`);
    });
    // It may end without reading.
    child.stdin.on('error', () => {});
    child.stdin.end(`${body}\n`);
  });
}
