// Runs the built program once, and keeps what V8 compiled: `node keep-code-cache.js <program> <cache name> <argument>...`.
// A process of `code-cache.ts`; JavaScript, like the launcher whose functions it shares.
import { existsSync, writeFileSync } from 'node:fs';
import { cacheFile, compile, digestOf, nameOf, readProgram, runProgram } from '../bin/start-program.js';

const [filename, name] = process.argv.splice(2, 2);

/** Keeps what is compiled of it until the process ends. */
function compileAndKeep(program, cacheName) {
  const script = compile(program);
  process.on('exit', () => {
    const data = script.createCachedData();
    writeFileSync(cacheFile(program, cacheName), Buffer.concat([digestOf(program, data), data]));
  });
  return script;
}

const program = readProgram(filename);
runProgram(program, compileAndKeep(program, name), part =>
  // The first command that needs a part fills its cache, which serves all others.
  existsSync(cacheFile(part, nameOf(part))) ? compile(part) : compileAndKeep(part, nameOf(part)),
);
