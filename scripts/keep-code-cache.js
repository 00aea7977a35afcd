// Runs the built program once, and keeps what V8 compiled: `node keep-code-cache.js <program> <cache name> <argument>...`.
// A process of `code-cache.ts`; JavaScript, like the launcher whose functions it shares.
import { writeFileSync } from 'node:fs';
import { cacheFile, compile, digestOf, readProgram, runProgram } from '../bin/start-program.js';

const [filename, name] = process.argv.splice(2, 2);
const program = readProgram(filename);
const script = compile(program);
process.on('exit', () => {
  const data = script.createCachedData();
  writeFileSync(cacheFile(program, name), Buffer.concat([digestOf(program, data), data]));
});
runProgram(program, script);
