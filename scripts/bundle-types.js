// Bundles the library's declarations into one file with what its public types need and nothing else, so that a program
// that uses them needs no other package. `npm pack` runs this after the build. JavaScript: `tsc` checks the repository
// without rolldown's own types. A later rolldown-plugin-dts brings a parser that its registry has for some systems only.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

const folder = resolve(fileURLToPath(new URL('..', import.meta.url)), 'dist/types');
const index = join(folder, 'index.d.ts');
/** The library's own description, which belongs to no declaration. */
const [description = ''] = /^\/\*\*.*?\*\/\n/s.exec(readFileSync(index, 'utf8')) ?? [];

await build({
  input: index,
  // What is left of other packages stays an import, which a test finds.
  external: /^[^./]/,
  plugins: [dts({ dtsInput: true, tsconfig: false, oxc: true })],
  output: { dir: folder, format: 'es' },
  logLevel: 'warn',
});
for (const name of readdirSync(folder)) if (name !== 'index.d.ts') rmSync(join(folder, name), { recursive: true });
writeFileSync(index, description + readFileSync(index, 'utf8'));
