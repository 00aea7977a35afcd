import type { Writable } from 'node:stream';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** How long whatever is still open may keep a process alive whose command is done and whose output is written. */
const LINGER_MS = 1_000;

/**
 * Ends the process with the command's exit status once its output is written, whatever is still open then. A process
 * whose event loop runs empty before the command is done says so, and ends as a bug.
 */
export async function endAfter(command: Promise<ExitCode>): Promise<void> {
  // Until the command has said how it ended, no end is a good one.
  process.exitCode = EXIT.bug;
  process.once('beforeExit', endTooEarly);
  process.exitCode = await command;
  process.removeListener('beforeExit', endTooEarly);
  // A slow reader still gets everything: `process.exit` would drop what a pipe has not taken yet.
  await Promise.all([written(process.stdout), written(process.stderr)]);
  // Nothing is left to do: Node need not tidy up its memory, which takes 4 ms after a small upload, 10 after a large one.
  process.once('beforeExit', () => process.exit());
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

function endTooEarly(): void {
  process.stderr.write(
    'error: recordupload ended before it was done (please report this; nothing is lost: run it again)\n',
  );
  process.exit(EXIT.bug);
}

/** Resolves once everything is written, or cannot be written any more. */
async function written(stream: Writable): Promise<void> {
  if (stream.writableLength > 0) await new Promise<void>(resolve => stream.write('', () => resolve()));
}
