import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/**
 * The file `copyright` of the package: our own part, then the licence of Node.js with all that it brings, then the npm
 * packages that the program's bundle has, each with its own licence text.
 * @param own what comes first
 */
export function copyright(root: string, own: string): string {
  const nodes = join(root, 'packaging/executables/node_modules/linux-x64/LICENSE');
  const parts = [
    own.trimEnd(),
    '',
    stanza(readFileSync(join(root, 'LICENSE'), 'utf8'), 'Expat'),
    ...bundledPackages(root)
      .map(({ name, license, text }) => `${name} (${license})\n\n${license === 'Apache-2.0' ? COMMON_APACHE : text}`)
      .map(asComment),
    asComment(`Node.js\n\n${readFileSync(nodes, 'utf8')}`),
  ];
  return `${parts.join('\n')}\n`;
}

/** Debian has it in one place, for all packages. */
const COMMON_APACHE = 'The licence is in /usr/share/common-licenses/Apache-2.0.';

interface BundledPackage {
  name: string;
  /** Its SPDX identifier. */
  license: string;
  /** Its licence file; empty where it has none. */
  text: string;
}

/** The npm packages that the program contains, by name. */
function bundledPackages(root: string): BundledPackage[] {
  const { metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: ['src/cli/main.ts'],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    define: { 'import.meta.url': '""' },
    write: false,
    metafile: true,
    outdir: 'unused',
    logLevel: 'error',
  });
  const folders = Object.keys(metafile.inputs).flatMap(path => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  return [...new Set(folders)].sort().map(folder => {
    const { name, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find(entry => /^licen[cs]e/i.test(entry));
    const text =
      file !== undefined && existsSync(join(root, folder, file)) ? readFileSync(join(root, folder, file), 'utf8') : '';
    return { name, license, text };
  });
}

/** A text in the form of the file: indented, and a dot for an empty line. */
function indented(text: string): string {
  return text
    .trim()
    .split(/\r?\n/)
    .map(line => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');
}

function stanza(licence: string, name: string): string {
  return `License: ${name}\n${indented(licence)}\n`;
}

function asComment(text: string): string {
  return `Comment:\n${indented(text)}\n`;
}
