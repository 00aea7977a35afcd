/**
 * Bundles everything into `dist/`: one small file per command, shared code in chunks, so that a command loads only what
 * it needs and an install brings one package and no tree. `node scripts/build.ts <dir>` puts it elsewhere.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Plugin } from 'esbuild';
import { COMMANDS } from '../src/cli/commands/index.ts';
import { manPage } from '../src/cli/program/man-page.ts';
import { VERSION } from '../src/cli/program/version.ts';
import { bundledFirst, bundlePackage } from './bundled-first.ts';
import { makeCodeCache } from './code-cache.ts';
import { bundledPackages, recordedBuild } from './recorded-build.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(process.argv[2] ?? `${root}dist`);

/**
 * Node's own modules are taken as they are, name by name. An `import` of one would make Node read every property that it
 * has, and some of those load half of Node: `node:http` alone brings its WebSocket client, 20 ms at every start.
 */
const builtins: Plugin = {
  name: 'builtins',
  setup(bundle) {
    bundle.onResolve({ filter: /./ }, ({ path, kind }) => {
      if (!isBuiltin(path)) return undefined;
      // An `import()` would make an object of every name that the module has.
      const namespace = kind === 'import-statement' ? 'builtin' : 'required-builtin';
      return { path: path.startsWith('node:') ? path : `node:${path}`, namespace };
    });
    bundle.onLoad({ filter: /./, namespace: 'required-builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}')`,
    }));
    bundle.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter(name => /^(?!default$)[\w$]+$/.test(name));
      return {
        contents: [
          `const builtin = process.getBuiltinModule('${path}');`,
          'export default builtin;',
          // Marked as pure, so that names which nobody imports are left out.
          ...names.map(name => `export const ${name} = /* @__PURE__ */ (() => builtin.${name})();`),
        ].join('\n'),
      };
    });
  },
};

/** What packages load at every start and the program never uses: 5 ms each. */
const withoutDeadWeight: Plugin = {
  name: 'without-dead-weight',
  setup(bundle) {
    // chalk looks for colours when it is loaded; here the terminal decides about them (terminal.ts).
    bundle.onLoad({ filter: /chalk\/source\/vendor\/supports-color\/index\.js$/ }, () => ({
      contents: 'export default { stdout: false, stderr: false };',
    }));
    // commander starts programs of their own for subcommands, of which there are none here.
    bundle.onResolve({ filter: /^(node:)?child_process$/ }, ({ importer }) =>
      /commander\/lib\/command\.js$/.test(importer) ? { path: 'child_process', namespace: 'nothing' } : undefined,
    );
    bundle.onLoad({ filter: /./, namespace: 'nothing' }, () => ({ contents: 'export default {};' }));
  },
};

const BASE: BuildOptions = {
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
  plugins: [withoutDeadWeight, builtins],
};

/** What the command-line program and the library have in common. */
const COMMON: BuildOptions = { ...BASE, plugins: [bundledFirst(BASE), withoutDeadWeight, builtins] };

/** Packages that few commands need, and late: each is a file with a code cache of its own, loaded when it is needed. */
const PARTS: Readonly<Record<string, string>> = {
  sdk: 'src/core/storage/s3/sdk.ts',
  got: 'src/core/webhook/got.ts',
  pg: 'src/state/postgres/pg.ts',
  providers: 'src/core/storage/s3/providers.ts',
};

const parts: Plugin = {
  name: 'parts',
  setup(bundle) {
    bundle.onResolve({ filter: /\.ts$/ }, ({ path, resolveDir }) => {
      const module = relative(root, resolve(resolveDir, path));
      const [part] = Object.entries(PARTS).find(([, file]) => file === module) ?? [];
      return part === undefined ? undefined : { path: `./${part}.cjs`, external: true };
    });
  },
};

/**
 * The program in one file: modules of which nothing is asked are not even set up, and one file with a code cache starts
 * faster than many small ones. Only its parts are files beside it.
 */
async function buildProgram(): Promise<void> {
  const { outputFiles } = await recordedBuild({
    ...COMMON,
    plugins: [parts, ...(COMMON.plugins ?? [])],
    entryPoints: { recordupload: 'src/cli/main.ts' },
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    define: { 'import.meta.url': 'bundleUrl' },
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
    write: false,
  });
  writeProgram('recordupload', outputFiles?.[0]?.text ?? '');
}

async function buildParts(): Promise<void> {
  for (const [name, module] of Object.entries(PARTS))
    writeProgram(name, await bundlePackage(resolve(root, module), 'cjs', BASE));
}

/** Writes what `bin/start-program.js` reads. */
function writeProgram(name: string, text: string): void {
  // ASCII alone, which V8 takes without decoding: what esbuild leaves (it does not touch regular expressions) is escaped.
  const ascii = text.replaceAll(
    /[^\0-\x7f]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const hash = createHash('sha256').update(ascii).digest('hex');
  writeFileSync(resolve(outdir, `${name}.cjs`), `// ${hash}\n${ascii}`);
}

/** The thread that the program and the library hash with: one file, because a single executable starts it from its text. */
async function buildThread(): Promise<void> {
  await recordedBuild({
    ...COMMON,
    entryPoints: { 'hash-worker': 'src/core/storage/hash-worker.ts' },
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
  });
}

/** What other programs import. */
async function buildLibrary(): Promise<void> {
  await recordedBuild({
    ...COMMON,
    entryPoints: { index: 'src/index.ts' },
    splitting: true,
    format: 'esm',
    // CommonJS packages inside the bundle call require().
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  });
}

/** The dashboard's page: one script and one style sheet for browsers. */
async function buildPage(): Promise<void> {
  await recordedBuild({
    absWorkingDir: root,
    outdir: resolve(outdir, 'dashboard'),
    entryPoints: { dashboard: 'src/dashboard/client/main.ts' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17.4'],
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
}

// Executables (`scripts/executables/build.ts`) are tested beside a new build.
for (const name of existsSync(outdir) ? readdirSync(outdir) : [])
  if (name !== 'executables') rmSync(resolve(outdir, name), { recursive: true });
mkdirSync(resolve(outdir, 'man'), { recursive: true });
await Promise.all([buildProgram(), buildParts(), buildThread(), buildLibrary(), buildPage()]);
writeFileSync(resolve(outdir, 'man/recordupload.1'), manPage(COMMANDS, VERSION));
// For the bill of materials (`scripts/executables/sbom.ts`).
writeFileSync(resolve(outdir, 'bundled-packages.json'), `${JSON.stringify(bundledPackages(), null, 2)}\n`);
await makeCodeCache(outdir);
