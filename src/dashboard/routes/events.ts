import { type Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { followLines } from '../../app/logs/read-log.ts';
import type { Env } from '../access/guard.ts';
import type { HubMessage } from '../live/hub.ts';
import { logRequest, logRow } from '../pages/logs.ts';
import type { Parts } from '../parts.ts';
import { redacted } from '../redacted.ts';

/** A page that hears nothing for longer takes the connection for lost. */
const HEARTBEAT_MS = 10_000;

/** Streams of server-sent events: what has changed, and lines of the log. */
export function eventRoutes(parts: Parts): Hono<Env> {
  const { hub, runtime, signal } = parts;
  const app = new Hono<Env>();

  app.get('/events', context => {
    unbuffered(context);
    return streamSSE(context, async stream => {
      // Of each kind the newest is enough for a slow reader.
      const waiting = new Map<HubMessage['event'], string>();
      let wake = () => {};
      const end = hub.subscribe(({ event, data }) => {
        waiting.set(event, data);
        wake();
      });
      const stop = () => wake();
      stream.onAbort(stop);
      signal.addEventListener('abort', stop, { once: true });
      try {
        const first = redacted(await hub.overview(), runtime.redact);
        await stream.writeSSE({ event: 'overview', data: JSON.stringify(first), retry: 1000 });
        // What has changed between the page and this stream.
        waiting.set('changed', String(hub.change()));
        while (!stream.aborted && !signal.aborted) {
          for (const [event, data] of [...waiting]) {
            waiting.delete(event);
            await stream.writeSSE({ event, data });
          }
          if (waiting.size > 0) continue;
          const isWoken = await new Promise<boolean>(resolve => {
            const timer = setTimeout(() => resolve(false), HEARTBEAT_MS);
            wake = () => {
              clearTimeout(timer);
              resolve(true);
            };
          });
          if (!isWoken) await stream.writeSSE({ event: 'alive', data: '' });
        }
      } finally {
        end();
        signal.removeEventListener('abort', stop);
      }
    });
  });

  app.get('/logs/events', context => {
    unbuffered(context);
    const request = { ...logRequest(context.req.query(), runtime.config.logFile), limit: 1 };
    return streamSSE(context, async stream => {
      const closed = new AbortController();
      stream.onAbort(() => closed.abort());
      let isFirst = true;
      for await (const { lines } of followLines(request, AbortSignal.any([closed.signal, signal]))) {
        // The page has those already.
        const rows = isFirst ? [] : lines.map(logRow);
        isFirst = false;
        await stream.writeSSE({ event: 'lines', data: JSON.stringify(redacted(rows, runtime.redact)) });
      }
    });
  });
  return app;
}

/** nginx would keep events until it has many of them. */
function unbuffered(context: Context<Env>): void {
  context.header('X-Accel-Buffering', 'no');
}
