import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import type { BuildOptions, Plugin } from 'esbuild';

/**
 * Leaves out what the SDK itself imports later, and only where it is configured otherwise than by us: sources of
 * credentials, event streams. For their sake esbuild would keep whatever they share with the rest, used or not. If
 * something does ask for one of them, it learns what is missing.
 */
const withoutLaterImports: Plugin = {
  name: 'without-later-imports',
  setup(bundle) {
    bundle.onResolve({ filter: /./ }, ({ path, kind }) =>
      kind === 'dynamic-import' && !isBuiltin(path) ? { path, namespace: 'left-out' } : undefined,
    );
    bundle.onLoad({ filter: /./, namespace: 'left-out' }, ({ path }) => ({
      contents: `throw new Error('${path} is not part of this build');`,
    }));
  },
};

/**
 * Tells esbuild that the tables of S3's operations do nothing when they are made, so that it leaves out those that nothing
 * refers to. It cannot see that by itself: their keys are computed. Each table is `export var Name$ = […];`, from the
 * beginning of a line to the end of one.
 */
const unusedTables: Plugin = {
  name: 'unused-tables',
  setup(bundle) {
    bundle.onLoad({ filter: /@aws-sdk\/client-s3\/.*\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        /^((?:export )?var [\w$]+ = )(\[[\s\S]*?\]);$/gm,
        '$1/* @__PURE__ */ (() => $2)();',
      ),
    }));
  },
};

/** How the AWS SDK is bundled: with what the program uses of it, and no more, because all of it takes time at every start. */
export const awsSdk: Pick<BuildOptions, 'define' | 'plugins'> = {
  // The SDK looks whether a body is one, and Node would load web streams to say no.
  define: { ReadableStream: 'undefined' },
  plugins: [withoutLaterImports, unusedTables],
};
