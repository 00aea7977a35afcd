import { once } from 'node:events';
import { AppError, isOutOfFiles, isSystemError, OPEN_FILES_HINT } from '../../../core/errors.ts';
import { firstLook } from '../../../core/first-look.ts';
import { makeFolder } from '../../../core/make-folder.ts';
import { whyNotWritten } from '../../../core/write-failure.ts';
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts';
import { EXIT } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { addressesJson } from './json.ts';
import { receiverRules } from './receiver-rules.ts';
import type { sandboxSpec } from './spec.ts';
import { introduction } from './text.ts';

type Call = Invocation<typeof sandboxSpec>;

/** `recordupload sandbox`: both servers in the foreground, until Ctrl-C. */
export const run: RunCommand<typeof sandboxSpec> = async call => {
  const { signal, terminal, options, command } = call;
  const sandbox = await start(call);
  try {
    if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: addressesJson(sandbox) }));
    else terminal.document(introduction(sandbox, { email: options.user?.[0] ?? 'operator@example.com' }).join('\n'));
    if (!signal.aborted) await once(signal, 'abort');
    return EXIT.done;
  } finally {
    await sandbox.close();
  }
};

async function start({ options }: Call): Promise<Sandbox> {
  const { data: dataDir, user: users, s3Port = 0, webhookPort = 0, discard = false } = options;
  try {
    if (dataDir) {
      // On a dead network drive, that waits without blocking Ctrl-C.
      await firstLook(dataDir);
      // The sandbox's own way to make it would never end in `/proc`.
      makeFolder(dataDir);
    }
    return await startSandbox({
      ...(dataDir && { dataDir }),
      s3: { port: s3Port, discardBodies: discard },
      receiver: { port: webhookPort, ...(users && { users: [...users] }), ...receiverRules(options) },
    });
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const isAboutPort = error.syscall === 'listen';
    const why = isAboutPort || !dataDir ? error.message : `${dataDir}: ${whyNotWritten(error, dataDir)}`;
    throw new AppError('USAGE', `the sandbox cannot start: ${why}`, {
      hint: isOutOfFiles(error) ? OPEN_FILES_HINT : 'choose other ports or another folder',
      cause: error,
    });
  }
}
