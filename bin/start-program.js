// Starts the built program with V8's code cache: what a command compiled when it first ran is loaded, not compiled
// again, the next time. That is half of a short command's time. Node's own compile cache keeps a third of it only,
// because it leaves out functions that were compiled when they were first called.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import vm from 'node:vm';

/**
 * @param {string} dist the folder of the built program
 * @param {string | undefined} command the first argument: each command has a cache of its own, with what it needs
 */
export function startProgram(dist, command) {
  const filename = path.join(dist, 'recordupload.cjs');
  // The build writes ASCII alone, so this is the same text, in the form that V8 takes without decoding.
  const source = fs.readFileSync(filename, 'latin1');
  const name = `${/^[a-z]+$/.test(command) ? command : 'other'}-${process.version}-${process.arch}.cache`;
  // The first line is a comment with the bundle's hash. V8 itself compares no more than the source's length.
  const identity = source.slice(0, source.indexOf('\n') + 1);
  const own = userCacheFile(name);
  const cachedData = readCache(path.join(dist, 'cache', name), identity) || (own && readCache(own, identity));
  const script = new vm.Script(source, { filename, cachedData });
  // A cache of another V8, or of one with other flags, is refused, and made anew.
  if (own && (!cachedData || script.cachedDataRejected)) {
    process.on('exit', () => writeCache(own, identity, script));
  }
  script.runInThisContext()(createRequire(filename), filename);
}

function userCacheFile(name) {
  try {
    return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'recordupload', name);
  } catch {
    return undefined; // nobody's home
  }
}

/** Code that is run: it must be of this bundle, and nobody else may have been able to write it. */
function readCache(file, identity) {
  let fd;
  try {
    fd = fs.openSync(file, 'r');
    const { uid, mode } = fs.fstatSync(fd);
    if (process.getuid && ((uid !== process.getuid() && uid !== 0) || mode & 0o022)) return undefined;
    const bytes = fs.readFileSync(fd);
    if (bytes.latin1Slice(0, identity.length) !== identity) return undefined;
    return bytes.subarray(identity.length);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
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
