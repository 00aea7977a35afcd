/**
 * Bundles everything into `dist/`: one small file per command, shared code in chunks, so that a command loads only what
 * it needs and an install brings one package and no tree. `node scripts/build.ts <dir>` puts it elsewhere.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { COMMANDS } from '../src/cli/commands/index.ts';
import { manPage } from '../src/cli/man-page.ts';
import { VERSION } from '../src/cli/version.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(process.argv[2] ?? `${root}dist`);

/**
 * Node's own modules are taken as they are. An `import` of one makes Node read every property it has, and some of those
 * load half of Node: `node:http` alone brings its WebSocket client, 20 ms at every start.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(bundle) {
    bundle.onResolve({ filter: /./ }, ({ path }) =>
      isBuiltin(path) ? { path: path.startsWith('node:') ? path : `node:${path}`, namespace: 'builtin' } : undefined,
    );
    bundle.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }));
  },
};

/**
 * A package of got's makes a list formatter while it is loaded, for an error message that hardly anybody sees; that
 * takes 10 ms at every start. It is made when it is needed in place of that.
 */
const lateListFormat: Plugin = {
  name: 'late-list-format',
  setup(bundle) {
    bundle.onLoad({ filter: /@sindresorhus\/is\/distribution\/index\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        /new Intl\.ListFormat\(([^)]*)\)/g,
        '({ format: list => new Intl.ListFormat($1).format(list) })',
      ),
    }));
  },
};

/** What the command-line program and the library have in common. */
const COMMON: BuildOptions = {
  absWorkingDir: root,
  outdir,
  bundle: true,
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [lazyBuiltins, lateListFormat],
};

/**
 * The program in one file, a function that the launcher calls: modules of which nothing is asked are not even set up,
 * and one file with a code cache starts faster than many small ones.
 */
async function buildProgram(): Promise<void> {
  const { outputFiles } = await build({
    ...COMMON,
    entryPoints: { recordupload: 'src/cli/main.ts' },
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    define: { 'import.meta.url': 'bundleUrl' },
    banner: {
      js: `(function (require, filename) {const bundleUrl = require('node:url').pathToFileURL(filename).href;`,
    },
    footer: { js: '})' },
    write: false,
  });
  const [{ text = '' } = {}] = outputFiles;
  const hash = createHash('sha256').update(text).digest('hex');
  writeFileSync(resolve(outdir, 'recordupload.cjs'), `// ${hash}\n${text}`);
}

/** What other programs import, and the thread that both hash with. */
async function buildLibrary(): Promise<void> {
  await build({
    ...COMMON,
    entryPoints: { index: 'src/index.ts', 'hash-worker': 'src/core/storage/hash-worker.ts' },
    splitting: true,
    format: 'esm',
    // CommonJS packages inside the bundle call require().
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  });
}

rmSync(outdir, { recursive: true, force: true });
mkdirSync(resolve(outdir, 'man'), { recursive: true });
await Promise.all([buildProgram(), buildLibrary()]);
writeFileSync(resolve(outdir, 'man/recordupload.1'), manPage(COMMANDS, VERSION));
