// Starts the built program, as fast as it goes.

// Not imported: that would make Node read every property of theirs, and so load half of its own modules, 6 ms. An old
// Node, which has no such function, gets as far as the launcher's message.
const [fs, os, path, vm, module] = ['fs', 'os', 'path', 'vm', 'module'].map(name => process.getBuiltinModule?.(name));

/**
 * Prints the help or the version where that is all that is asked for; the build has kept those texts, 80 columns wide. A
 * terminal is told by the program itself, which knows its width.
 * @param {string} dist the folder of the built program
 * @param {readonly string[]} args
 * @returns {boolean} false: the program is needed
 */
export function printKeptText(dist, args) {
  if (!/^(-h|--help|-V|--version|help)$/.test(args[0]) && !/^(-h|--help)$/.test(args.at(-1))) return false;
  if (process.stdout.isTTY) return false;
  const texts = JSON.parse(fs.readFileSync(path.join(dist, 'texts.json'), 'utf8'));
  const line = args.join(' ');
  if (!Object.hasOwn(texts, line)) return false;
  // A reader that has gone away (`| head -1`) is no error; a text that is lost is one, as in the program (terminal.ts).
  process.stdout.on('error', error => {
    if (error.code === 'EPIPE') return;
    console.error(`error: the output cannot be written: ${error.message}`);
    process.exitCode = USAGE;
  });
  process.stdout.write(texts[line]);
  return true;
}

/**
 * Runs the program with V8's code cache: what a command compiled when it first ran is loaded, not compiled
 * again, the next time. That is half of a short command's time. Node's own compile cache keeps a third of it only,
 * because it leaves out functions that were compiled when they were first called.
 * @param {string} dist the folder of the built program
 * @param {readonly string[]} args the first is the command: each has a cache of its own, with what it needs
 */
export function startProgram(dist, args) {
  const filename = path.join(dist, 'recordupload.cjs');
  // The build writes ASCII alone, so this is the same text, in the form that V8 takes without decoding.
  const source = fs.readFileSync(filename, 'latin1');
  const command = /^[a-z][a-z-]*$/.test(args[0] ?? '') ? args[0] : 'other';
  const name = `${command}-${process.version}-${process.arch}.cache`;
  // The first line is a comment with the bundle's hash. V8 itself compares no more than the source's length.
  const identity = source.slice(0, source.indexOf('\n') + 1);
  const own = userCacheFile(name);
  // The user's comes first: it is there only where the build's was missing or of no use, to a V8 with other flags say.
  // The build's is as good as the program beside it.
  const cachedData = (own && readCache(own, identity, isOurs)) || readCache(path.join(dist, 'cache', name), identity);
  const script = new vm.Script(source, { filename, cachedData });
  // A cache of another V8, or of one with other flags, is refused, and made anew.
  if (own && (!cachedData || script.cachedDataRejected) && !args.includes('--dry-run')) {
    process.on('exit', exitCode => {
      // What was misspelt compiled nothing of use, and its name may never come again.
      if (exitCode !== USAGE) writeCache(own, identity, script);
    });
  }
  script.runInThisContext()(module.createRequire(filename), filename);
}

/** Exit status of a command line or a configuration that is wrong. */
const USAGE = 2;

/** Undefined where nobody's home, or one that is somewhere else in each folder: what is in there is run. */
function userCacheFile(name) {
  try {
    const given = process.env.XDG_CACHE_HOME;
    // https://specifications.freedesktop.org/basedir-spec/latest/: a relative path is as good as none
    const home = given && path.isAbsolute(given) ? given : path.join(os.homedir(), '.cache');
    return path.isAbsolute(home) ? path.join(home, 'recordupload', name) : undefined;
  } catch {
    return undefined;
  }
}

/** A whole cache that was made of this very bundle. */
function readCache(file, identity, isTrusted = () => true) {
  let fd;
  try {
    fd = fs.openSync(file, 'r');
    if (!isTrusted(fs.fstatSync(fd)) || !isTrusted(fs.statSync(path.dirname(file)))) return undefined;
    const bytes = fs.readFileSync(fd);
    if (bytes.latin1Slice(0, identity.length) !== identity) return undefined;
    const data = bytes.subarray(identity.length + DIGEST_BYTES);
    return digestOf(data).equals(bytes.subarray(identity.length, identity.length + DIGEST_BYTES)) ? data : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

const DIGEST_BYTES = 32;

/** V8 does not look at what it loads: a byte that a disk has lost makes it crash, or run something else. */
function digestOf(data) {
  // The program needs this module anyway.
  return process.getBuiltinModule('crypto').hash('sha256', data, 'buffer');
}

/** Nobody else has written it or put it there, or could have: it is code that is run. */
function isOurs({ uid, mode }) {
  return !process.geteuid || (uid === process.geteuid() && (mode & 0o022) === 0);
}

/** Written whole or not at all. A home that is full or read-only costs time at the next start, and no more. */
function writeCache(file, identity, script) {
  const folder = path.dirname(file);
  const draft = `${file}.${process.pid}`;
  try {
    // In another user's home (`sudo -E`) a folder of ours would be in that user's way.
    if (!belongsToUs(nearestThatExists(folder))) return;
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const data = script.createCachedData();
    const fd = fs.openSync(draft, 'wx', 0o600);
    try {
      for (const piece of [identity, digestOf(data), data]) fs.writeFileSync(fd, piece);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(draft, file);
  } catch {
    try {
      fs.rmSync(draft, { force: true });
    } catch {} // what cannot be written to cannot be removed from either
  }
}

function nearestThatExists(folder) {
  return fs.existsSync(folder) ? folder : nearestThatExists(path.dirname(folder));
}

function belongsToUs(folder) {
  return !process.geteuid || fs.statSync(folder).uid === process.geteuid();
}
