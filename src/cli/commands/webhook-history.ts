import type { Attempt, Delivery } from '../../core/delivery/delivery.ts';
import { parseRecordingId } from '../../core/recording/recording.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import type { RunCommand } from '../program/command.ts';
import { historyText } from '../render-webhook-history.ts';
import { openWorkspace } from '../workspace.ts';

/** `recordupload webhook history <id>` */
export const run: RunCommand = async invocation => {
  const { args, options, terminal, command } = invocation;
  const id = parseRecordingId(args[0] ?? '', 'id', 'USAGE');
  const workspace = await openWorkspace(invocation);
  try {
    const history = await (await workspace.state()).outbox.deliveries.history(id);
    workspace.settle();
    if (options.json) {
      const result = { recordingId: id, deliveries: history.map(toJson) };
      terminal.document(jsonDocument(command, EXIT.done, { result }));
    } else if (!options.quiet) {
      terminal.out(historyText(id, history, workspace.clock.now(), terminal.paint.out).join('\n'));
    }
    return EXIT.done;
  } finally {
    await workspace.close();
  }
};

const iso = (ms: number) => new Date(ms).toISOString();

function toJson({ delivery, attempts }: { delivery: Delivery; attempts: readonly Attempt[] }) {
  const { webhookId, endpoint, state, heldReason, createdAt, nextAt, settledAt, payload } = delivery;
  return {
    webhookId,
    endpoint,
    state,
    heldReason,
    createdAt: iso(createdAt),
    nextTry: state === 'pending' ? iso(nextAt) : null,
    settledAt: settledAt === null ? null : iso(settledAt),
    payload: JSON.parse(payload) as unknown,
    attempts: attempts.map(({ at, ...attempt }) => ({ ...attempt, at: iso(at) })),
  };
}
