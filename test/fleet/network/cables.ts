import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What each machine has a cable of its own to. */
export const SERVICES = ['database', 'store', 'server'] as const;
export type Service = (typeof SERVICES)[number];

/** A machine's place in the network. */
export interface Place {
  /** What comes before a program, to run it there; it dies with this process. */
  readonly prefix: readonly string[];
  /** Its address on each of its cables begins with this. */
  readonly addresses: string;
  cut(service: Service): void;
  mend(service: Service): void;
}

/** The same for all machines: the bucket has one name in the state. */
export function addressOf(service: Service): string {
  return `10.231.200.${SERVICES.indexOf(service) + 1}`;
}

const holders = new Set<ChildProcess>();

/** Gives this process's own network, which has no cable yet, the addresses of all services. */
export function openNetwork(): void {
  ip('link', 'set', 'lo', 'up');
  for (const service of SERVICES) ip('addr', 'add', `${addressOf(service)}/32`, 'dev', 'lo');
}

/** Makes a machine with a network namespace of its own, and lays its cables. @param number from 1 to 200 */
export async function openPlace(number: number): Promise<Place> {
  const holder = spawn('setpriv', ['--pdeathsig=KILL', 'unshare', '--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  holders.add(holder);
  const network = `/proc/${holder.pid}/ns/net`;
  while (readlinkSync(network) === readlinkSync('/proc/self/ns/net')) await sleep(10);
  const inside = ['nsenter', `--net=${network}`];
  const there = (...args: string[]) => execFileSync(inside[0] as string, [...inside.slice(1), 'ip', ...args]);
  there('link', 'set', 'lo', 'up');
  for (const [index, service] of SERVICES.entries()) {
    const [here, end] = [cableOf(number, service), `to-${service}`];
    const [ours, theirs] = [4 * index + 2, 4 * index + 1].map(last => `10.231.${number}.${last}`);
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', end, 'netns', String(holder.pid));
    ip('addr', 'add', `${ours}/30`, 'dev', here);
    ip('link', 'set', here, 'up');
    there('addr', 'add', `${theirs}/30`, 'dev', end);
    there('link', 'set', end, 'up');
    there('route', 'add', `${addressOf(service)}/32`, 'via', ours as string);
  }
  return {
    prefix: [...inside, 'setpriv', '--pdeathsig=KILL'],
    addresses: `10.231.${number}.`,
    // At the services' end: the machine sees no carrier, and what it sends is lost without a word.
    cut: service => ip('link', 'set', cableOf(number, service), 'down'),
    mend: service => ip('link', 'set', cableOf(number, service), 'up'),
  };
}

export function closeNetwork(): void {
  for (const holder of holders) holder.kill('SIGKILL');
  holders.clear();
}

function cableOf(number: number, service: Service): string {
  return `${service}-${number}`;
}

function ip(...args: string[]): void {
  execFileSync('ip', args);
}
