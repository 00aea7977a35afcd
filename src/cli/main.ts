import { run } from './run.ts';

// The entry.
void run(process.argv.slice(2)).then(exitCode => {
  process.exitCode = exitCode;
});
