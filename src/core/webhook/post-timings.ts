import type { ClientRequest } from 'node:http';
import { isIP } from 'node:net';
import { monotonicMs } from '../clock.ts';
import type { GotStream } from './got.ts';
import type { PostTimings } from './post-result.ts';

/**
 * Starts to measure a request.
 * @returns how long its phases took until now, in whole milliseconds, as got measured them
 */
export function measure(stream: GotStream): () => PostTimings {
  const startedAt = monotonicMs();
  let isNewConnection = false;
  stream.once('request', (request: ClientRequest) => {
    request.once('socket', ({ connecting }) => {
      isNewConnection = connecting;
    });
  });
  return () => {
    const { dns, tcp, tls, firstByte } = stream.timings?.phases ?? {};
    const host = stream.requestUrl?.hostname ?? '';
    return {
      // got repeats the phases of the first request for later ones on its connection, and takes 0 ms for no look-up.
      dns: isNewConnection && isIP(host.replace(/^\[|\]$/g, '')) === 0 ? dns : undefined,
      connect: isNewConnection ? tcp : undefined,
      tls: isNewConnection ? tls : undefined,
      firstByte,
      total: Math.round(monotonicMs() - startedAt),
    };
  };
}
