import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CliResult } from './run-cli.ts';

/**
 * Where one of the secrets turns up: in what runs printed, or in any file below the folders (state, write-ahead log and
 * logs included). Empty: nowhere.
 */
export function findLeaks(secrets: readonly string[], runs: readonly CliResult[], dirs: readonly string[]): string[] {
  const texts = [
    ...runs.flatMap(({ stdout, stderr }, index) => [
      { where: `stdout of run ${index + 1}`, bytes: Buffer.from(stdout) },
      { where: `stderr of run ${index + 1}`, bytes: Buffer.from(stderr) },
    ]),
    ...dirs.flatMap(filesBelow).map(file => ({ where: file, bytes: readFileSync(file) })),
  ];
  return texts.flatMap(({ where, bytes }) =>
    secrets.filter(secret => spellings(secret).some(text => bytes.includes(text))).map(() => where),
  );
}

/** As it is, and as encodings that hide nothing would show it. */
function spellings(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('hex'),
  ];
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}
