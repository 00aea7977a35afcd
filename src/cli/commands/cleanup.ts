import { requireCredentials } from '../../config/requirements.ts';
import { abortAbandonedUploads, findAbandonedUploads } from '../../core/upload/clean-up-uploads.ts';
import { persistentBucket } from '../../core/upload/session.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { type RunCommand, textOption } from '../program/command.ts';
import { count, formatBytes, printable, table } from '../terminal/format.ts';
import { parseAge } from '../terminal/moment.ts';
import { openWorkspace } from '../workspace.ts';

const DEFAULT_AGE = '7d';

/** `recordupload cleanup` */
export const run: RunCommand = async invocation => {
  const { options, terminal, command, signal } = invocation;
  const age = textOption(options, 'olderThan') ?? DEFAULT_AGE;
  const olderThanMs = parseAge(age, '--older-than');
  const workspace = await openWorkspace(invocation, { opening: 'looking for unfinished uploads in the bucket' });
  try {
    requireCredentials(workspace.config);
    const bucket = persistentBucket(await workspace.uploads());
    const deps = { bucket, store: (await workspace.state()).recordings, now: workspace.clock.now, signal };
    const found = await findAbandonedUploads({ olderThanMs, elsewhere: Boolean(options.elsewhere) }, deps);
    if (options.yes) await abortAbandonedUploads(found, deps);
    workspace.settle();

    const aborted = Boolean(options.yes);
    const bytes = found.reduce((sum, upload) => sum + upload.bytes, 0);
    if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: { aborted, uploads: found } }));
    else if (!options.quiet) {
      if (found.length === 0)
        terminal.out(`no abandoned upload that is older than ${age} is in the bucket ${bucket.name}`);
      else {
        terminal.out(
          `${count(found.length, 'abandoned upload')} (${formatBytes(bytes)}) ${aborted ? 'removed from' : 'in'} the bucket ${bucket.name}:`,
        );
        const rows = found.map(upload => [
          `  ${printable(upload.key)}`,
          formatBytes(upload.bytes),
          count(upload.parts, 'part'),
          upload.initiated?.toISOString() ?? '',
          `begun ${upload.begun}`,
        ]);
        terminal.out(table(rows).join('\n'));
        if (!aborted) terminal.out('next: recordupload cleanup --yes removes them');
      }
    }
    return EXIT.done;
  } finally {
    await workspace.close();
  }
};
