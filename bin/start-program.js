// Starts the built program with V8's code cache, which halves the time of a short command.

// `import` would make Node read every property of these modules, and so load half of Node: 6 ms. A Node that is too old
// has no such function; it only passes through here on its way to the launcher's message. Debian 11 has Node 12, which does
// not know "?." and "??".
// biome-ignore lint/complexity/useOptionalChain: see above
const builtin = name => process.getBuiltinModule && process.getBuiltinModule(name);
const [fs, path, vm, module] = ['fs', 'path', 'vm', 'module'].map(builtin);

/** The file that has the program; its parts are files beside it. */
export const PROGRAM = 'recordupload.cjs';

/** The name of the cache for every command that has none of its own (`scripts/code-cache.ts`). */
const OTHER_COMMANDS = 'other';

/**
 * Where the program's files are. A single executable has them inside (`scripts/executables/launcher.js`).
 * @typedef {{folder: string, read(name: string): Buffer}} ProgramFiles `folder` is what stack traces name; `read` throws
 * where there is no such file
 * @param {string} folder of the built program
 * @returns {ProgramFiles}
 */
export function filesIn(folder) {
  return { folder, read: name => fs.readFileSync(path.join(folder, name)) };
}

/**
 * Runs the program of a package; `process.argv` has its arguments.
 * @param {string} root the folder of the package
 */
export function startProgram(root) {
  if (!prepareProcess()) return;
  const files = filesIn(path.join(root, 'dist'));
  const filename = path.join(files.folder, PROGRAM);
  try {
    const program = readProgram(files, PROGRAM);
    const cache = cacheOfCommand(program);
    if (cache) runProgram(program, compile(program, cache));
    // The build's caches are another Node's. Node has one of its own where NODE_COMPILE_CACHE names a folder for it. Its
    // default folder is in /tmp, where any user of the machine can leave code for us to run.
    else module.createRequire(filename)(filename);
  } catch (error) {
    if (error.code !== 'ENOENT' || error.path !== filename) throw error;
    console.error(`recordupload is not built yet: run "npm ci && npm run build" in ${root}`);
    process.exitCode = 2;
  }
}

/** @returns whether the program can run */
export function prepareProcess() {
  if (!hasWorkingFolder()) {
    console.error('error: the working folder no longer exists (change to another folder, then run the command again)');
    process.exitCode = 2;
    return false;
  }
  giveHome();
  return true;
}

/** @returns the code cache for the command that `process.argv` names; undefined where none fits */
export function cacheOfCommand(program) {
  return readCache(program, process.argv[2] || '') || readCache(program, OTHER_COMMANDS);
}

/**
 * A module of the program asks Node for the home folder as soon as it is loaded. Without `HOME` that fails for an account
 * that the system does not list, as in a container or a unit with a user's number: it gets what Docker gives it.
 */
function giveHome() {
  if (process.env.HOME || process.platform === 'win32') return;
  try {
    process.getBuiltinModule('os').userInfo();
  } catch {
    process.env.HOME = '/';
  }
}

/** Where another process has removed it, Node cannot load a module, and would end with a stack trace. */
function hasWorkingFolder() {
  try {
    process.cwd();
    return true;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return false;
  }
}

/** @param {string} root the folder of the package */
export function versionOfPackage(root) {
  return JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).version;
}

/** Prints the version. That takes 1.1 times as long as Node itself; the program, once it is loaded, has taken 1.8 times. */
export function printVersion(version) {
  // As in the program (terminal.ts): a reader that has gone away is no error, a full disk is one.
  process.stdout.on('error', error => {
    if (error.code === 'EPIPE') return;
    console.error(`error: the output cannot be written: ${error.message}`);
    process.exitCode = 2;
  });
  process.stdout.write(`${version}\n`);
}

/** What Node puts around a CommonJS module. */
const AROUND = ['(function (exports, require, module, __filename, __dirname) {', '\n})'].map(text => Buffer.from(text));

/**
 * Reads a file of the program, which is CommonJS, as the function that Node makes of such a module. Its first line is a
 * comment with the hash of the rest.
 * @param {ProgramFiles} files
 * @param {string} name
 */
export function readProgram(files, name) {
  // The build writes ASCII only, and V8 takes latin1 without decoding it. Put together as bytes: of a text that is put
  // together, V8 makes a copy, which stays.
  const source = Buffer.concat([AROUND[0], files.read(name), AROUND[1]]).latin1Slice();
  const filename = path.join(files.folder, name);
  return { files, name, filename, source, identity: source.slice(0, source.indexOf('\n')) };
}

/**
 * Compiles what `readProgram` has read.
 * @param {{filename: string, source: string}} program
 * @param {Buffer} [cachedData]
 */
export function compile({ filename, source }, cachedData) {
  return new vm.Script(source, { filename, cachedData });
}

/**
 * Runs it. What it requires of the files beside it, its parts, it gets compiled.
 * @param {{files: ProgramFiles, filename: string}} program
 * @param {vm.Script} script
 * @param {(part: {name: string, filename: string, source: string, identity: string}) => vm.Script} [compilePart]
 */
export function runProgram({ files, filename }, script, compilePart = compileCached) {
  const builtIn = module.createRequire(filename);
  const parts = new Map();
  const load = name => {
    const part = readProgram(files, name);
    return runProgram(part, compilePart(part));
  };
  const require = name => {
    if (!name.startsWith('./')) return builtIn(name);
    if (!parts.has(name)) parts.set(name, load(name.slice(2)));
    return parts.get(name);
  };
  const main = { exports: {} };
  script.runInThisContext()(main.exports, require, main, filename, files.folder);
  return main.exports;
}

/** Compiles a part of the program, with its code cache if that fits. */
function compileCached(part) {
  return compile(part, readCache(part, nameOf(part)));
}

/** @param {{name: string}} part */
export function nameOf({ name }) {
  return path.basename(name, '.cjs');
}

/** @returns the name of the file with a command's code cache */
export function cacheFile(command) {
  return `cache/${command}-${process.version}-${process.arch}`;
}

/**
 * What proves that a cache is whole and was made of this very program. V8 compares no more than the source's length, and
 * crashes on a cache with one damaged byte.
 * @param {{identity: string}} program
 * @param {Uint8Array} data
 */
export function digestOf({ identity }, data) {
  return process.getBuiltinModule('crypto').createHash('sha256').update(identity).update(data).digest();
}

/** @returns undefined where there is none that fits */
function readCache(program, command) {
  if (!/^[a-z]+$/.test(command)) return undefined;
  try {
    const bytes = program.files.read(cacheFile(command));
    const data = bytes.subarray(DIGEST_BYTES);
    return digestOf(program, data).equals(bytes.subarray(0, DIGEST_BYTES)) ? data : undefined;
  } catch {
    return undefined; // costs time, and no more
  }
}

const DIGEST_BYTES = 32;
