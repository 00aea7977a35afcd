import { type Alarm, findAlarms } from '../../app/alarms.ts';
import { loadConfig } from '../../config/load-config.ts';
import { AppError } from '../../core/errors.ts';
import { parseRecordingId } from '../../core/recording/recording.ts';
import { readOverview, type StateOverview } from '../../state/sqlite/overview.ts';
import { openReadOnly, type ReadOnlyState } from '../../state/sqlite/read-only.ts';
import { readRecording } from '../../state/sqlite/recording-status.ts';
import { EXIT, type ExitCode, heaviest } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { type Invocation, type RunCommand, textOption } from '../program/command.ts';
import { alarmText, statusText } from '../render-status.ts';
import { overviewJson, recordingJson } from '../render-status-json.ts';
import { printable } from '../terminal/format.ts';
import { parseAge } from '../terminal/moment.ts';

const DEFAULT_LIMIT = 20;

/** What a look at the state needs. Not a workspace: `status` writes no log and makes no state. */
interface Desk {
  invocation: Invocation;
  stateDir: string;
  target: string;
  maxAgeMs: number | undefined;
  limit: number;
}

/** `recordupload status [id]` */
export const run: RunCommand = async invocation => {
  const { args, options, terminal } = invocation;
  const maxAge = textOption(options, 'maxAge');
  const maxAgeMs = maxAge === undefined ? undefined : parseAge(maxAge, '--max-age');
  const limit = limitOption(options);
  if (options.watch && (options.json || options.quiet)) {
    throw new AppError('USAGE', `--watch and ${options.json ? '--json' : '--quiet'} do not go together`, {
      hint: 'leave one of them out',
    });
  }
  const { config, warnings } = await loadConfig({
    cwd: terminal.cwd,
    env: terminal.env,
    configFile: textOption(options, 'config'),
  });
  if (!options.quiet && !options.json) for (const warning of warnings) terminal.err(`warning: ${printable(warning)}`);
  const { stateDir } = config;
  const desk: Desk = { invocation, stateDir, target: `${config.endpoint}/${config.bucket}`, maxAgeMs, limit };
  if (args[0] !== undefined) return await showRecording(args[0], desk);
  return options.watch ? await watch(desk) : show(desk);
};

function show(desk: Desk): ExitCode {
  const { invocation, stateDir } = desk;
  const { command, options, terminal } = invocation;
  const { overview, alarms, exitCode } = look(desk);
  if (options.json) {
    const result = overviewJson(overview, alarms, { stateDir, hasState: overview !== undefined });
    terminal.document(jsonDocument(command, exitCode, { result }));
  } else if (!options.quiet) {
    terminal.out(textOf(desk, overview, alarms).join('\n'));
  } else if (alarms.length > 0) {
    terminal.err(`recordupload status: ${alarmText(alarms)}; next: recordupload status`);
  }
  return exitCode;
}

interface Look {
  overview: StateOverview | undefined;
  alarms: Alarm[];
  exitCode: ExitCode;
}

function look(desk: Desk): Look {
  const state = openReadOnly(desk.stateDir);
  try {
    return lookAt(state, desk);
  } finally {
    state?.close();
  }
}

function lookAt(state: ReadOnlyState | undefined, { stateDir, limit, maxAgeMs }: Desk): Look {
  if (!state) return { overview: undefined, alarms: [], exitCode: EXIT.done };
  state.refresh();
  const overview = readOverview(state, stateDir, { limit });
  const alarms = findAlarms(overview, { maxAgeMs, now: Date.now() });
  return { overview, alarms, exitCode: heaviest(alarms.map(alarm => EXIT_OF_ALARM[alarm.kind])) };
}

const EXIT_OF_ALARM: Record<Alarm['kind'], ExitCode> = {
  held: EXIT.webhook,
  'old-webhook': EXIT.webhook,
  partial: EXIT.incomplete,
  'old-upload': EXIT.incomplete,
};

function textOf(
  { invocation, stateDir, target }: Desk,
  overview: Look['overview'],
  alarms: readonly Alarm[],
): string[] {
  const { paint } = invocation.terminal;
  if (!overview) return [`nothing has been uploaded from here yet (no state in ${printable(stateDir)})`];
  return statusText(overview, alarms, { now: Date.now(), target, paint: paint.out });
}

async function showRecording(text: string, { invocation, stateDir }: Desk): Promise<ExitCode> {
  const id = parseRecordingId(text, 'id', 'USAGE');
  const { command, options, terminal } = invocation;
  if (options.watch) {
    throw new AppError('USAGE', '--watch shows everything, not one recording', { hint: 'leave the id out' });
  }
  const state = openReadOnly(stateDir);
  try {
    const found = state ? readRecording(state, stateDir, id) : { recordings: [], deliveries: [] };
    if (found.recordings.length === 0 && found.deliveries.length === 0) {
      throw new AppError('USAGE', `recording ${id} is not known on this machine`, {
        hint: `to look into the bucket: recordupload verify ${id}`,
      });
    }
    const { recordings, deliveries } = found;
    const isPartial = recordings.some(one => one.state === 'partial');
    const isHeld = deliveries.some(one => one.delivery.state === 'held');
    const exitCode = isPartial ? EXIT.incomplete : isHeld ? EXIT.webhook : EXIT.done;
    if (options.json) terminal.document(jsonDocument(command, exitCode, { result: recordingJson(id, found) }));
    else if (!options.quiet) {
      const { recordingText } = await import('../render-status-recording.ts');
      terminal.out(recordingText(id, found, { now: Date.now(), paint: terminal.paint.out }).join('\n'));
    }
    return exitCode;
  } finally {
    state?.close();
  }
}

/** Until Ctrl-C. The state is looked for again as long as there is none. */
async function watch(desk: Desk): Promise<ExitCode> {
  const { terminal, signal } = desk.invocation;
  const { watchScreen } = await import('../terminal/watch-screen.ts');
  let state: ReadOnlyState | undefined;
  try {
    await watchScreen(
      () => {
        state ??= openReadOnly(desk.stateDir);
        const { overview, alarms } = lookAt(state, desk);
        return textOf(desk, overview, alarms);
      },
      terminal,
      signal,
    );
    return EXIT.done;
  } finally {
    state?.close();
  }
}

function limitOption(options: Invocation['options']): number {
  const text = textOption(options, 'limit') ?? String(DEFAULT_LIMIT);
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new AppError('USAGE', `--limit: ${JSON.stringify(text)} is no number`, { hint: 'for instance --limit 100' });
}
