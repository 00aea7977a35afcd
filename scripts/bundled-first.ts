import { relative } from 'node:path';
import type { BuildOptions, Format, Plugin } from 'esbuild';
import { recordedBuild } from './recorded-build.ts';

/**
 * Modules of ours that re-export what the program uses of a package. Each is bundled by itself before the rest:
 * within the program, esbuild would keep all that a package imports, because the package is behind `await import()`.
 */
const MODULES: Readonly<Record<string, { isCalledLater?: boolean }>> = {
  'src/cli/terminal/string-width.ts': { isCalledLater: true },
  'src/core/recording/mediabunny.ts': {},
  'src/core/webhook/got.ts': {},
  'src/core/storage/s3/sdk.ts': {},
  'src/core/storage/s3/providers.ts': {},
  'src/state/postgres/pg.ts': {},
};

/** @param options those of the whole bundle, `plugins` included */
export function bundledFirst(options: BuildOptions): Plugin {
  return {
    name: 'bundled-first',
    setup(bundle) {
      bundle.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const own = MODULES[relative(options.absWorkingDir ?? '', path)];
        if (!own) return undefined;
        const contents = await bundlePackage(path, own.isCalledLater ? 'iife' : 'esm', options);
        return { contents: own.isCalledLater ? calledLater(contents) : contents, loader: 'js' };
      });
    },
  };
}

/**
 * Bundles a module of ours that re-exports what the program uses of a package.
 * @param path of the module
 * @param options those of the whole bundle
 */
export async function bundlePackage(path: string, format: Format, options: BuildOptions): Promise<string> {
  const { outputFiles } = await recordedBuild({
    ...options,
    entryPoints: [path],
    format,
    globalName: 'bundled',
    minifyIdentifiers: true,
    define: { 'Intl.ListFormat': 'LazyListFormat', ReadableStream: 'NoWebStream' },
    banner: { js: `${LAZY_LIST_FORMAT}\n${NO_WEB_STREAM}` },
    plugins: [lazyBuiltins, ...(options.plugins ?? [])],
    write: false,
  });
  return outputFiles?.[0]?.text ?? '';
}

/** A module whose one export, a function, is set up when it is first called: the package takes long to load. */
function calledLater(iife: string): string {
  return `let made;
const make = () => { ${iife}; return bundled.default; };
export default (...args) => (made ??= make())(...args);`;
}

/** Packages make formatters for their error messages as they are loaded; the data for one takes 5 ms to load. */
const LAZY_LIST_FORMAT = `class LazyListFormat {
  constructor(...args) { this.args = args; }
  format(list) { return new Intl.ListFormat(...this.args).format(list); }
}`;

/** Packages ask whether something is a web stream. Nothing here is, and Node takes 2 ms to load those. */
const NO_WEB_STREAM = 'class NoWebStream {}';

/** Built-in modules that packages import for what few programs do. Loading them all takes 15 ms. */
const SLOW_BUILTINS = /^(node:)?(fs|http2|https|tls|zlib)$/;

/** Loads the slow built-in modules when something of theirs is first used. */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(bundle) {
    bundle.onResolve({ filter: SLOW_BUILTINS }, ({ path }) => ({
      path: path.replace('node:', ''),
      namespace: 'lazy-builtin',
    }));
    bundle.onLoad({ filter: /./, namespace: 'lazy-builtin' }, ({ path }) => {
      const members = Object.entries(process.getBuiltinModule(path) ?? {}).map(([name, value]) => {
        // Packages read these as they are loaded; they are those of HTTP/2 itself, the same in every version of Node.
        if (path === 'http2' && name === 'constants') return `${name}: ${JSON.stringify(value)}`;
        return isPlainFunction(name, value)
          ? `${name}: (...args) => load().${name}(...args)`
          : `get ${name}() { return load().${name}; }`;
      });
      return {
        contents: `const load = () => process.getBuiltinModule('${path}'); module.exports = { ${members.join(',')} };`,
      };
    });
  },
};

/** No class, and without properties that something reads, such as how to promisify it. */
function isPlainFunction(name: string, value: unknown): boolean {
  return typeof value === 'function' && /^[a-z]/.test(name) && Object.getOwnPropertySymbols(value).length === 0;
}
