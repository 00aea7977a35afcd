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
  // A reader that has gone away (`| head -1`) is no error.
  process.stdout.on('error', () => {});
  process.stdout.write(texts[line]);
  return true;
}

/**
 * Runs the program with V8's code cache: what a command compiled when it first ran is loaded, not compiled
 * again, the next time. That is half of a short command's time. Node's own compile cache keeps a third of it only,
 * because it leaves out functions that were compiled when they were first called.
 * @param {string} dist the folder of the built program
 * @param {string | undefined} command the first argument: each command has a cache of its own, with what it needs
 */
export function startProgram(dist, command) {
  const filename = path.join(dist, 'recordupload.cjs');
  // The build writes ASCII alone, so this is the same text, in the form that V8 takes without decoding.
  const source = fs.readFileSync(filename, 'latin1');
  const name = `${/^[a-z-]+$/.test(command) ? command : 'other'}-${process.version}-${process.arch}.cache`;
  // The first line is a comment with the bundle's hash. V8 itself compares no more than the source's length.
  const identity = source.slice(0, source.indexOf('\n') + 1);
  const own = userCacheFile(name);
  // Those that the build made are as good as the program beside them; they are for the Node that it was built with.
  const cachedData = readCache(path.join(dist, 'cache', name), identity) || (own && readCache(own, identity, isOurs));
  const script = new vm.Script(source, { filename, cachedData });
  // A cache of another V8, or of one with other flags, is refused, and made anew.
  if (own && (!cachedData || script.cachedDataRejected)) {
    process.on('exit', () => writeCache(own, identity, script));
  }
  script.runInThisContext()(module.createRequire(filename), filename);
}

function userCacheFile(name) {
  try {
    return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'recordupload', name);
  } catch {
    return undefined; // nobody's home
  }
}

/** A cache that was made of this very bundle, and that may be trusted: it is code that is run. */
function readCache(file, identity, isTrusted = () => true) {
  let fd;
  try {
    fd = fs.openSync(file, 'r');
    if (!isTrusted(fs.fstatSync(fd))) return undefined;
    const bytes = fs.readFileSync(fd);
    return bytes.latin1Slice(0, identity.length) === identity ? bytes.subarray(identity.length) : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** Nobody else has written it, or could have. */
function isOurs({ uid, mode }) {
  return !process.getuid || (uid === process.getuid() && (mode & 0o022) === 0);
}

/** Written whole or not at all. A home that is full or read-only costs time at the next start, and no more. */
function writeCache(file, identity, script) {
  const draft = `${file}.${process.pid}`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    const fd = fs.openSync(draft, 'wx', 0o600);
    try {
      fs.writeFileSync(fd, identity);
      fs.writeFileSync(fd, script.createCachedData());
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(draft, file);
  } catch {
    fs.rmSync(draft, { force: true });
  }
}
