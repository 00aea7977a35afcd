// Bundles the library's declarations into one file with what its public types need and nothing else, so that a program
// that uses them needs no other package. `npm pack` runs this after the build. JavaScript: `tsc` checks the repository
// without rolldown's own types.
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

const folder = resolve(fileURLToPath(new URL('..', import.meta.url)), 'dist/types');

await build({
  input: join(folder, 'index.d.ts'),
  // What is left of other packages stays an import, which a test finds.
  external: /^[^./]/,
  plugins: [dts({ dtsOnly: true, tsconfig: false, generator: 'oxc' })],
  output: { dir: folder, format: 'es' },
  logLevel: 'warn',
});
for (const name of readdirSync(folder)) if (name !== 'index.d.ts') rmSync(join(folder, name), { recursive: true });
