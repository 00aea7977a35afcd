import type { Alarm } from '../../../app/alarms.ts';
import { metrics } from '../../../app/metrics/metrics.ts';
import { recordingStatus } from '../../../app/recording-status.ts';
import { openStatus, type StatusReport, type StatusRequest, status } from '../../../app/status.ts';
import { AppError } from '../../../core/errors.ts';
import { EXIT, type ExitCode, heaviest } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { type OpenCommand, openCommand } from '../../open-command.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { VERSION } from '../../program/version.ts';
import { exitCodeOfDamage, reportDamage } from '../../text/damage.ts';
import { recordingJson, statusJson } from './json.ts';
import type { statusSpec } from './spec.ts';
import { alarmText, statusText } from './text.ts';

type Call = Invocation<typeof statusSpec>;

const DEFAULT_LIMIT = 20;

/** `recordupload status [id]` */
export const run: RunCommand<typeof statusSpec> = async call => {
  const { args, options } = call;
  const [id] = args;
  refuseContradictions(call);
  // Looking leaves no trace: no log, no state.
  await using open = await openCommand(call, { log: false, withoutSecrets: true });
  if (options.format === 'openmetrics') return await showMetrics(call, open);
  if (id !== undefined) return await showRecording(id, call, open);
  return await (options.watch ? watch : show)(call, open);
};

/** @throws AppError `USAGE` */
function refuseContradictions({ args: [id], options }: Call): void {
  const { watch, format, json, quiet, machine } = options;
  const chosen = watch ? '--watch' : format === 'openmetrics' ? '--format openmetrics' : undefined;
  if (chosen === undefined) return;
  const isNarrowed = machine !== undefined && !watch;
  const other = json
    ? '--json'
    : quiet
      ? '--quiet'
      : watch && format
        ? `--format ${format}`
        : isNarrowed
          ? '--machine'
          : undefined;
  if (other) throw new AppError('USAGE', `${chosen} cannot be used with ${other}`, { hint: 'leave one of them out' });
  if (id !== undefined)
    throw new AppError('USAGE', `${chosen} shows everything, not one recording`, { hint: 'leave the ID out' });
}

function requestOf({ options: { maxAge: maxAgeMs, limit = DEFAULT_LIMIT, machine } }: Call): StatusRequest {
  return { maxAgeMs, limit, machine };
}

const EXIT_OF_ALARM: Record<Alarm['kind'], ExitCode> = {
  held: EXIT.webhook,
  'no-token': EXIT.webhook,
  'old-webhook': EXIT.webhook,
  refused: EXIT.recording,
  partial: EXIT.incomplete,
  'old-upload': EXIT.incomplete,
  'old-queued': EXIT.incomplete,
};

async function show(call: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const { command, options, terminal } = call;
  const report = await status(requestOf(call), runtime);
  settle();
  const alarms = report.hasState ? report.alarms : [];
  const damage = report.hasState ? report.damage : undefined;
  const ofDamage = options.json ? exitCodeOfDamage(damage) : reportDamage(damage, terminal);
  const exitCode = heaviest([ofDamage, ...alarms.map(alarm => EXIT_OF_ALARM[alarm.kind])]);
  if (options.json) terminal.document(jsonDocument(command, exitCode, { result: statusJson(report) }));
  else if (!options.quiet) terminal.out(textOf(report, call));
  else if (alarms.length > 0) terminal.err(`recordupload status: ${alarmText(alarms)}; next: recordupload status`);
  return exitCode;
}

/** `--format openmetrics`: status 0 whatever the numbers say, so that a script may store them. */
async function showMetrics({ terminal }: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const text = await metrics({ version: VERSION }, runtime);
  settle();
  terminal.out(text.trimEnd());
  return EXIT.done;
}

function textOf(report: StatusReport, { terminal }: Call): string {
  return statusText(report, terminal.paint.out).join('\n');
}

async function showRecording(id: string, call: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const { command, options, terminal } = call;
  const report = await recordingStatus({ id, machine: options.machine }, runtime);
  settle();
  const isPartial = report.uploads.some(one => one.state === 'partial');
  const isHeld = report.webhooks.some(one => one.delivery.state === 'held');
  const exitCode = heaviest([
    options.json ? exitCodeOfDamage(report.damage) : reportDamage(report.damage, terminal),
    isPartial ? EXIT.incomplete : EXIT.done,
    report.queue.some(one => one.state === 'refused') ? EXIT.recording : EXIT.done,
    isHeld ? EXIT.webhook : EXIT.done,
  ]);
  if (options.json) terminal.document(jsonDocument(command, exitCode, { result: recordingJson(report) }));
  else if (!options.quiet) {
    const { recordingText } = await import('./recording-text.ts');
    const view = { now: runtime.clock.now(), paint: terminal.paint.out };
    terminal.out(recordingText(report, view).join('\n'));
  }
  return exitCode;
}

/** `--watch`: until Ctrl-C. */
async function watch(call: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const { watchScreen } = await import('../../terminal/watch-screen.ts');
  settle();
  await using reader = openStatus(runtime);
  const draw = async () => textOf(await reader.read(requestOf(call)), call);
  await watchScreen(draw, call.terminal, call.signal);
  return EXIT.done;
}
