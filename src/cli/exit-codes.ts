import type { ErrorCode, StopSignal } from '../core/errors.ts';

/** What the process's exit status means. Scripts rely on these: they never change their meaning. */
export const EXIT = {
  done: 0,
  bug: 1,
  usage: 2,
  recording: 3,
  incomplete: 4,
  webhook: 5,
  busy: 6,
  changed: 7,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The same in words, for the help, the README and the manual page. */
export const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  done: 'done (also: uploaded, and the webhook is queued)',
  bug: 'a bug in recordupload',
  usage: 'wrong usage or configuration',
  recording: 'the folder is not a usable recording, or its ID belongs to another one',
  incomplete: 'upload incomplete; `recordupload retry` resumes it (without a usable state, the same command does)',
  webhook: 'webhook not delivered (`webhook send`, `webhook test`, `retry`, `upload --strict`)',
  busy: 'another process is uploading this recording',
  changed: 'the source changed, or verification failed',
  interrupted: 'interrupted (Ctrl-C)',
  terminated: 'terminated (SIGTERM)',
};

const EXIT_OF_ERROR = {
  USAGE: EXIT.usage,
  CONFIG: EXIT.usage,
  RECORDING: EXIT.recording,
  STORAGE: EXIT.incomplete,
  STATE: EXIT.incomplete,
  WEBHOOK: EXIT.webhook,
  BUSY: EXIT.busy,
  SOURCE_CHANGED: EXIT.changed,
  VERIFICATION: EXIT.changed,
  INTERRUPTED: EXIT.interrupted,
} as const satisfies Record<ErrorCode, ExitCode>;

export function exitCodeOf(code: ErrorCode): ExitCode {
  return EXIT_OF_ERROR[code];
}

/** The exit status of a process that a signal ended. */
export const EXIT_OF_SIGNAL = {
  SIGINT: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
  SIGHUP: EXIT.terminated,
} as const satisfies Record<StopSignal, ExitCode>;

/** Several results become one exit status: the first of these that occurs. */
const BY_WEIGHT: readonly ExitCode[] = [
  EXIT.bug,
  EXIT.terminated,
  EXIT.interrupted,
  EXIT.usage,
  EXIT.changed,
  EXIT.incomplete,
  EXIT.recording,
  EXIT.busy,
  EXIT.webhook,
];

export function heaviest(codes: readonly ExitCode[]): ExitCode {
  return BY_WEIGHT.find(code => codes.includes(code)) ?? EXIT.done;
}
