import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { copyright } from './copyright.ts';

export interface PackageOptions {
  /** The repository. */
  root: string;
  /** The Linux executable that the package is made of. */
  executable: string;
  /** Debian's name of the machine. */
  architecture: string;
  /** In Debian's form. */
  version: string;
  /** When it was made, in seconds since 1970. */
  epochSeconds: number;
}

/** Fills an empty folder with what is installed, and `DEBIAN/` with the control files. */
export function packageTree(folder: string, options: PackageOptions): void {
  const { root, executable } = options;
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const source = (path: string) => readFileSync(join(root, path), 'utf8');
  const write = (path: string, content: string | Buffer, mode = 0o644) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
  };
  const compressed = (text: string) => gzipSync(text, { level: 9 });
  const completion = (shell: string) =>
    execFileSync(process.execPath, [join(root, 'bin/recordupload.js'), 'completion', shell], { encoding: 'utf8' });
  const doc = 'usr/share/doc/recordupload';
  const maintainer = maintainerOf(manifest);

  write('usr/bin/recordupload', '', 0o755);
  copyFileSync(executable, join(folder, 'usr/bin/recordupload'));
  write('usr/lib/systemd/system/recordupload.service', serviceUnit(source('packaging/systemd/recordupload.service')));
  write('usr/share/man/man1/recordupload.1.gz', compressed(source('dist/man/recordupload.1')));
  write('usr/share/bash-completion/completions/recordupload', completion('bash'));
  write('usr/share/zsh/vendor-completions/_recordupload', completion('zsh'));
  write('usr/share/fish/vendor_completions.d/recordupload.fish', completion('fish'));
  write('etc/recordupload/config.yaml', source('packaging/debian/config.yaml'), 0o600);
  write(`${doc}/copyright`, copyright(root, source('packaging/debian/copyright')));
  write(`${doc}/changelog.gz`, compressed(changelog(options, maintainer)));
  write(`${doc}/CHANGELOG.md.gz`, compressed(source('CHANGELOG.md')));
  write(`${doc}/README.Debian`, source('packaging/debian/README.Debian'));
  write(`${doc}/examples/config.yaml`, source('.recorduploadrc.example'));
  cpSync(join(root, 'fixtures/recordings/3'), join(folder, doc, 'examples/recordings/3'), { recursive: true });
  write('usr/share/lintian/overrides/recordupload', source('packaging/debian/lintian-overrides'));

  for (const script of ['postinst', 'prerm', 'postrm'])
    write(`DEBIAN/${script}`, source(`packaging/debian/${script}`), 0o755);
  write('DEBIAN/conffiles', '/etc/recordupload/config.yaml\n');
  write('DEBIAN/md5sums', '');
  plainModes(folder);
  const files = filesBelow(folder).filter(path => !path.startsWith('DEBIAN/'));
  write(
    'DEBIAN/md5sums',
    md5sums(
      folder,
      files.filter(path => !path.startsWith('etc/')),
    ),
  );
  const kibibytes = files.reduce((sum, path) => sum + Math.ceil(statSync(join(folder, path)).size / 1024), 0);
  const values: Record<string, string> = {
    version: options.version,
    architecture: options.architecture,
    maintainer,
    'installed-size': String(kibibytes),
    homepage: manifest.homepage ?? '',
  };
  const control = source('packaging/debian/control').replaceAll(/@([a-z-]+)@/g, (_, name) => values[name] ?? '');
  // A homepage that nobody has named is no line.
  write('DEBIAN/control', control.replace(/^Homepage: \n/m, ''));
}

/** Debian wants an address; until the owner names one (`bugs.email` in package.json), it leads nowhere. */
function maintainerOf({ author, bugs }: { author: string; bugs?: { email?: string } }): string {
  return `${author} <${bugs?.email ?? 'recordupload@localhost.localdomain'}>`;
}

/** The service of the package: its own user, and configuration and secrets in /etc/recordupload. */
function serviceUnit(unit: string): string {
  const change = (text: string, from: RegExp, to: string) => {
    if (!from.test(text)) throw new Error(`packaging/systemd/recordupload.service has no line ${from}`);
    return text.replace(from, to);
  };
  const service = [
    [
      /^# The worker[^\n]*\n# the user[^\n]*\n/,
      '# The worker of recordupload. Adapt it with "systemctl edit recordupload".\n',
    ],
    [/^ExecStart=.*$/m, 'ExecStart=/usr/bin/recordupload watch --config /etc/recordupload/config.yaml'],
    [
      /^# The recorders' user.*$/m,
      '# The worker only needs to read recordings. Rights to write are for deleteAfter alone.',
    ],
    [/^User=.*$/m, 'User=recordupload'],
    // The configuration names the files, so that commands that an administrator runs as this user have them, too.
    [/^(?:LoadCredential=.*\n)+/m, ''],
  ] as const;
  return service.reduce((text, [from, to]) => change(text, from, to), unit);
}

function changelog({ version, epochSeconds }: PackageOptions, maintainer: string): string {
  const date = new Date(epochSeconds * 1000).toUTCString().replace('GMT', '+0000');
  return [
    `recordupload (${version}) unstable; urgency=medium`,
    '',
    '  * What changed is in CHANGELOG.md.gz beside this file.',
    '',
    ` -- ${maintainer}  ${date}`,
    '',
  ].join('\n');
}

/** Folders 755 and files without rights to write for others, whatever the builder's umask is. */
function plainModes(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else chmodSync(path, statSync(path).mode & 0o755);
  }
}

/** Sorted paths relative to the folder. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function md5sums(folder: string, files: readonly string[]): string {
  return execFileSync('md5sum', files, { cwd: folder, encoding: 'utf8' });
}
