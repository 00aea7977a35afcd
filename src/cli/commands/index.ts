import { type Command, defineCommand } from '../program/command.ts';
import { alertsTestSpec } from './alerts/test/spec.ts';
import { cleanupSpec } from './cleanup/spec.ts';
import { completionSpec } from './completion/spec.ts';
import { configInitSpec } from './config/init/spec.ts';
import { configPathSpec } from './config/path/spec.ts';
import { configShowSpec } from './config/show/spec.ts';
import { configTrustSpec } from './config/trust/spec.ts';
import { configValidateSpec } from './config/validate/spec.ts';
import { dashboardSpec } from './dashboard/spec.ts';
import { doctorSpec } from './doctor/spec.ts';
import { enqueueSpec } from './enqueue/spec.ts';
import { forgetSpec } from './forget/spec.ts';
import { helpSpec } from './help/spec.ts';
import { listSpec } from './list/spec.ts';
import { logsSpec } from './logs/spec.ts';
import { manSpec } from './man/spec.ts';
import { pruneSpec } from './prune/spec.ts';
import { retrySpec } from './retry/spec.ts';
import { sandboxSpec } from './sandbox/spec.ts';
import { stateMoveSpec } from './state/move/spec.ts';
import { stateSqlSpec } from './state/sql/spec.ts';
import { statusSpec } from './status/spec.ts';
import { uploadSpec } from './upload/spec.ts';
import { verifySpec } from './verify/spec.ts';
import { watchSpec } from './watch/spec.ts';
import { webhookDisableSpec } from './webhook/disable/spec.ts';
import { webhookDiscardSpec } from './webhook/discard/spec.ts';
import { webhookEnableSpec } from './webhook/enable/spec.ts';
import { webhookHistorySpec } from './webhook/history/spec.ts';
import { webhookListSpec } from './webhook/list/spec.ts';
import { webhookReplaySpec } from './webhook/replay/spec.ts';
import { webhookSendSpec } from './webhook/send/spec.ts';
import { webhookTestSpec } from './webhook/test/spec.ts';

/**
 * Every command, in the order of the help. To add one, make a folder for it here: `spec.ts` describes it, `run.ts` runs
 * it and is loaded only then, `text.ts` and `json.ts` make what it prints.
 */
export const COMMANDS: readonly Command[] = [
  defineCommand(uploadSpec, () => import('./upload/run.ts')),
  defineCommand(enqueueSpec, () => import('./enqueue/run.ts')),
  defineCommand(watchSpec, () => import('./watch/run.ts')),
  defineCommand(retrySpec, () => import('./retry/run.ts')),
  defineCommand(verifySpec, () => import('./verify/run.ts')),
  defineCommand(statusSpec, () => import('./status/run.ts')),
  defineCommand(listSpec, () => import('./list/run.ts')),
  defineCommand(dashboardSpec, () => import('./dashboard/run.ts')),
  defineCommand(forgetSpec, () => import('./forget/run.ts')),
  defineCommand(doctorSpec, () => import('./doctor/run.ts')),
  defineCommand(logsSpec, () => import('./logs/run.ts')),
  defineCommand(cleanupSpec, () => import('./cleanup/run.ts')),
  defineCommand(webhookSendSpec, () => import('./webhook/send/run.ts')),
  defineCommand(webhookTestSpec, () => import('./webhook/test/run.ts')),
  defineCommand(webhookListSpec, () => import('./webhook/list/run.ts')),
  defineCommand(webhookEnableSpec, () => import('./webhook/enable/run.ts')),
  defineCommand(webhookDisableSpec, () => import('./webhook/disable/run.ts')),
  defineCommand(webhookHistorySpec, () => import('./webhook/history/run.ts')),
  defineCommand(webhookDiscardSpec, () => import('./webhook/discard/run.ts')),
  defineCommand(webhookReplaySpec, () => import('./webhook/replay/run.ts')),
  defineCommand(alertsTestSpec, () => import('./alerts/test/run.ts')),
  defineCommand(configShowSpec, () => import('./config/show/run.ts')),
  defineCommand(configValidateSpec, () => import('./config/validate/run.ts')),
  defineCommand(configPathSpec, () => import('./config/path/run.ts')),
  defineCommand(configTrustSpec, () => import('./config/trust/run.ts')),
  defineCommand(configInitSpec, () => import('./config/init/run.ts')),
  defineCommand(stateMoveSpec, () => import('./state/move/run.ts')),
  defineCommand(stateSqlSpec, () => import('./state/sql/run.ts')),
  defineCommand(pruneSpec, () => import('./prune/run.ts')),
  defineCommand(sandboxSpec, () => import('./sandbox/run.ts')),
  defineCommand(completionSpec, () => import('./completion/run.ts')),
  defineCommand(manSpec, () => import('./man/run.ts')),
  // The parser prints help itself.
  defineCommand(helpSpec, async () => ({ run: async () => 0 })),
];
