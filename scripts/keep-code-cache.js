// Runs the built program once, and keeps what V8 compiled:
// `node keep-code-cache.js <folder> <cache name> <flags for V8> <argument>...`.
// A process of `code-cache.ts`; JavaScript, like the launcher whose functions it shares.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import {
  cacheFile,
  compile,
  digestOf,
  filesIn,
  nameOf,
  PROGRAM,
  readProgram,
  runProgram,
} from '../bin/start-program.js';

const [folder, name, flags] = process.argv.splice(2, 3);

/** Keeps what is compiled of it until the process ends. */
function compileAndKeep(program, cacheName) {
  const script = compileAnywhere(program);
  process.on('exit', () => {
    for (const flag of flags.split(' ')) setFlagsFromString(flag);
    const data = script.createCachedData();
    writeFileSync(join(folder, cacheFile(cacheName)), Buffer.concat([digestOf(program, data), data]));
  });
  return script;
}

/** The cache contains the file's path, so that is the same for every folder. */
function compileAnywhere(program) {
  return compile({ ...program, filename: program.name });
}

const program = readProgram(filesIn(folder), PROGRAM);
runProgram(program, compileAndKeep(program, name), part =>
  // The first command that needs a part fills its cache, which serves all others.
  existsSync(join(folder, cacheFile(nameOf(part)))) ? compileAnywhere(part) : compileAndKeep(part, nameOf(part)),
);
