import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Tells the service manager how the worker is; see sd_notify(3). Without one, it does nothing. */
export interface ServiceManager {
  /** `READY=1`, `STATUS=…`. Never rejects: nothing depends on it. */
  tell(state: Readonly<Record<string, string>>): Promise<void>;
  /** How often it wants to hear `WATCHDOG=1`, in milliseconds: half of its limit. Undefined: never. */
  readonly watchdogEveryMs: number | undefined;
}

/**
 * Node opens no datagram sockets of the Unix kind, so a small program does it: `systemd-notify` where it is, else Perl,
 * which is on every Debian. The unit needs `NotifyAccess=all`, because the message comes from another process.
 */
const WAYS: readonly ((lines: readonly string[]) => [program: string, ...args: string[]])[] = [
  lines => ['systemd-notify', ...lines],
  lines => ['perl', '-e', IN_PERL, lines.join('\n')],
];
/** The address of an abstract socket begins with a NUL byte, which the variable has as `@`. */
const IN_PERL = `use Socket; my $to = $ENV{NOTIFY_SOCKET}; $to =~ s/^@/\\0/; socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or exit 1;
  send($s, $ARGV[0], 0, pack_sockaddr_un($to)) or exit 1;`;

/** @param monotonicUs the machine's monotonic clock, which `RELOADING=1` has to name */
export function serviceManager(env: NodeJS.ProcessEnv, pid = process.pid): ServiceManager {
  const address = env.NOTIFY_SOCKET;
  if (!address || process.platform !== 'linux') return { tell: async () => {}, watchdogEveryMs: undefined };
  const watchdogUs = Number(env.WATCHDOG_USEC);
  const isMeant = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === String(pid);
  let working: readonly (typeof WAYS)[number][] = WAYS;
  let last: Promise<void> = Promise.resolve();
  const send = async (state: Readonly<Record<string, string>>) => {
    const lines = Object.entries({ MAINPID: String(pid), ...state }).map(([name, value]) => `${name}=${value}`);
    for (const way of working) {
      if (!(await succeeds(way(lines), { PATH: env.PATH, NOTIFY_SOCKET: address }))) continue;
      working = [way];
      return;
    }
  };
  return {
    tell(state) {
      // One after the other, so that READY does not overtake RELOADING.
      last = last.then(() => send(state));
      return last;
    },
    watchdogEveryMs: isMeant && Number.isSafeInteger(watchdogUs) && watchdogUs > 0 ? watchdogUs / 2000 : undefined,
  };
}

/** It may wait for an answer that never comes. */
const LIMIT_MS = 1_000;

async function succeeds([program, ...args]: [string, ...string[]], env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    const child = spawn(program, args, { env, stdio: 'ignore', timeout: LIMIT_MS });
    const [status] = (await once(child, 'exit')) as [number | null];
    return status === 0;
  } catch {
    return false;
  }
}
