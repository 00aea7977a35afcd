import type { ClientRequest } from 'node:http';
import { monotonicMs } from '../clock.ts';
import type { PostTimings } from './post-result.ts';

/** Notes when a request reaches each of its phases. @returns how long those took that it has been through */
export function watchPhases(request: ClientRequest): () => PostTimings {
  const startedAt = monotonicMs();
  const at: Partial<Record<'lookup' | 'connect' | 'secureConnect' | 'finish' | 'response', number>> = {};
  const note = (phase: keyof typeof at) => () => {
    at[phase] ??= monotonicMs();
  };
  let socketAt = startedAt;
  request.once('socket', socket => {
    if (!socket.connecting) return; // a connection that was there already
    socketAt = monotonicMs();
    for (const phase of ['lookup', 'connect', 'secureConnect'] as const) socket.once(phase, note(phase));
  });
  request.once('finish', note('finish'));
  request.once('response', note('response'));

  const between = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? undefined : Math.round(to - from);
  return () => ({
    dns: between(socketAt, at.lookup),
    connect: between(at.lookup ?? socketAt, at.connect),
    tls: between(at.connect, at.secureConnect),
    firstByte: between(at.finish, at.response),
    total: Math.round(monotonicMs() - startedAt),
  });
}
