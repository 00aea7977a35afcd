// The launcher of a single executable: the program's files are assets inside it (`blob.ts`), and it has the
// Node that it was built for. `blob.ts` bundles this file.
import { getRawAsset } from 'node:sea';
import {
  cacheOfCommand,
  compile,
  PROGRAM,
  prepareProcess,
  printVersion,
  readProgram,
  runProgram,
} from '../../bin/start-program.js';
import { version } from '../../package.json';

/** The assets as they are in memory, without a copy: the program only reads them. */
const files = { folder: process.execPath, read: name => Buffer.from(getRawAsset(name)) };

if (/^(-V|--version)$/.test(process.argv.slice(2).join(' '))) printVersion(version);
else if (prepareProcess()) {
  const program = readProgram(files, PROGRAM);
  runProgram(program, compile(program, cacheOfCommand(program)));
}
