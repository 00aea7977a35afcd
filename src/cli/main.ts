import { EXIT } from './exit-codes.ts';
import { run } from './run.ts';

// The entry. Until the program has said how it ended, no end is a good one: a process with nothing to wait for is over.
process.exitCode = EXIT.bug;
void run(process.argv.slice(2)).then(exitCode => {
  process.exitCode = exitCode;
  // Nothing is left to do then: Node need not tidy up its memory, which takes it 4 ms after a small upload, 10 after a
  // large one.
  process.once('beforeExit', () => process.exit());
});
