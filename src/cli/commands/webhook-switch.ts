import { AppError } from '../../core/errors.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import type { RunCommand } from '../program/command.ts';
import { count } from '../terminal/format.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';

/** `recordupload webhook enable <name>` and `webhook disable <name>` */
export const run: RunCommand = async invocation => {
  const { args, options, terminal, command } = invocation;
  const workspace = await openWorkspace(invocation);
  try {
    const name = args[0] ?? '';
    await requireKnown(name, workspace);
    const { endpoints } = (await workspace.state()).outbox;
    const isEnabling = command.endsWith('enable');
    const wasEnabled = (await endpoints.get(name)).disabledReason === null;
    const released = isEnabling ? await endpoints.enable(name, workspace.clock.now()) : 0;
    // What the server said (410) stays readable.
    if (!isEnabling && wasEnabled) await endpoints.disable(name, 'by an operator', workspace.clock.now());
    if (isEnabling && workspace.config.webhooks.find(one => one.name === name)?.enabled === false) {
      const message = `endpoint ${name} stays switched off by "enabled: false" in the configuration`;
      workspace.observer({ type: 'warning', message });
    }
    workspace.settle();
    const hasChanged = wasEnabled !== isEnabling;
    if (options.json) {
      const result = { endpoint: name, enabled: isEnabling, changed: hasChanged, released };
      terminal.document(jsonDocument(command, EXIT.done, { result }));
    } else if (!options.quiet) {
      const due = released > 0 ? `; ${count(released, 'webhook')} due: recordupload retry` : '';
      const waits = isEnabling ? due : '; its webhooks wait until it is enabled';
      terminal.out(
        `endpoint ${name} ${hasChanged ? 'is now' : 'was already'} ${isEnabling ? 'enabled' : 'disabled'}${waits}`,
      );
    }
    return EXIT.done;
  } finally {
    await workspace.close();
  }
};

/** @throws AppError `USAGE` where neither the configuration nor the state knows it */
async function requireKnown(name: string, { config, state }: Workspace): Promise<void> {
  const configured = config.webhooks.map(endpoint => endpoint.name);
  const { endpoints, deliveries } = (await state()).outbox;
  const known = [
    ...configured,
    ...(await endpoints.list()).map(one => one.name),
    ...(await deliveries.counts()).map(one => one.endpoint),
  ];
  if (known.includes(name)) return;
  throw new AppError('USAGE', `there is no endpoint ${JSON.stringify(name)}`, {
    hint: `there are: ${[...new Set(known)].join(', ')}`,
  });
}
