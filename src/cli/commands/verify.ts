import { stat } from 'node:fs/promises';
import { requireCredentials } from '../../config/requirements.ts';
import { hasErrorCode } from '../../core/errors.ts';
import { parseRecordingId, type Recording, type RecordingId } from '../../core/recording/recording.ts';
import { persistentBucket } from '../../core/upload/session.ts';
import { verifyRecording } from '../../core/upload/verify-recording.ts';
import { EXIT, heaviest } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { type Invocation, type RunCommand, textOption } from '../program/command.ts';
import { verifyText } from '../render-verify.ts';
import { readWithOptions } from '../upload-request.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';

/** `recordupload verify <id|dir...>` */
export const run: RunCommand = async invocation => {
  const workspace = await openWorkspace(invocation, {
    withoutState: 'continue',
    opening: `comparing ${invocation.args.join(' ')} with the bucket`,
  });
  try {
    const { args, options, terminal, command } = invocation;
    requireCredentials(workspace.config);
    const session = await workspace.uploads();
    const deps = { ...session, bucket: persistentBucket(session) };
    const reports = [];
    for (const text of args) {
      const { id, local } = await whatIsMeant(text, invocation, workspace);
      const report = await verifyRecording({ id, local, full: Boolean(options.full) }, deps);
      reports.push(report);
      workspace.settle();
      if (!options.json && !(options.quiet && report.ok)) {
        const lines = verifyText(report, terminal.paint.out);
        if (options.quiet) terminal.err(`recordupload: ${lines[0]}; next: recordupload verify ${report.recordingId}`);
        else terminal.out(lines.join('\n'));
      }
    }
    const exitCode = heaviest(reports.map(report => (report.ok ? EXIT.done : EXIT.changed)));
    if (options.json) terminal.document(jsonDocument(command, exitCode, { result: { recordings: reports } }));
    return exitCode;
  } finally {
    await workspace.close();
  }
};

/** A folder is compared with the bucket; an id stands for what was uploaded. */
async function whatIsMeant(
  text: string,
  invocation: Invocation,
  workspace: Workspace,
): Promise<{ id: RecordingId; local: Recording | undefined }> {
  const isFolder = await stat(text).then(
    stats => stats.isDirectory(),
    error => {
      if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return false;
      throw error;
    },
  );
  if (!isFolder && !/[/\\]/.test(text)) return { id: parseRecordingId(text, 'id', 'USAGE'), local: undefined };
  // The duration is of no interest here, and given it need not be measured.
  const options = { id: textOption(invocation.options, 'id'), duration: '0' };
  const local = await readWithOptions(text, { ...invocation, options }, workspace);
  return { id: local.id, local };
}
