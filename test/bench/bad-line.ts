import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Place } from './servers.ts';

/** 200 ms there and back, one packet in a hundred lost in each direction, 50 Mbit/s. */
const LINE = ['--delay', '100', '--loss', '1', '--rate', '6250000'];
/** The two ends; a network that nobody else has. */
const [HERE, THERE] = ['10.213.77.1/30', '10.213.77.2/30'];
export const BAD_LINE_HOST = '10.213.77.2';

/**
 * Lays a bad line to a network namespace of its own.
 * @param program what `line.c` makes
 * @returns where to start the sink; undefined where that needs rights that we do not have
 */
export async function layBadLine(program: string): Promise<(Place & { remove(): void }) | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const name = `rub${process.pid}`;
  const [here, there] = [`${name}h`, `${name}t`];
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });
  const line = spawn(program, ['--here', here, '--there', there, ...LINE], { stdio: ['ignore', 'pipe', 'inherit'] });
  let isRemoved = false;
  const remove = () => {
    if (isRemoved) return;
    isRemoved = true;
    line.kill('SIGKILL');
    ip('netns', 'del', name);
  };
  await once(line.stdout, 'data');
  ip('netns', 'add', name);
  try {
    ip('addr', 'add', HERE, 'dev', here);
    ip('link', 'set', here, 'up');
    ip('link', 'set', there, 'netns', name);
    ip('-n', name, 'addr', 'add', THERE, 'dev', there);
    for (const device of [there, 'lo']) ip('-n', name, 'link', 'set', device, 'up');
  } catch (error) {
    remove();
    throw error;
  }
  return { host: BAD_LINE_HOST, within: ['/usr/sbin/ip', 'netns', 'exec', name], remove };
}
