import { type Context, Hono } from 'hono';
import { metrics } from '../../app/metrics/metrics.ts';
import { CONTENT_TYPES } from '../../app/metrics/openmetrics.ts';
import { readiness } from '../../app/metrics/readiness.ts';
import { AppError } from '../../core/errors.ts';
import type { Env } from '../access/guard.ts';
import { isEqual } from '../access/sessions.ts';
import type { WrongTokens } from '../access/wrong-tokens.ts';
import type { Parts } from '../parts.ts';

interface MonitoringSettings {
  /** What scrapers send as `Authorization: Bearer …`; undefined: whoever may connect may read the numbers. */
  token: string | undefined;
  wrongTokens: WrongTokens;
}

/** What monitoring asks for. */
export function monitoringRoutes({ runtime, version }: Parts, { token, wrongTokens }: MonitoringSettings): Hono<Env> {
  const app = new Hono<Env>();

  /** @returns the refusal; undefined if the caller may read the numbers */
  const refusal = (context: Context<Env>): Response | undefined => {
    if (token === undefined) return undefined;
    const { address } = context.get('caller');
    const waitMs = wrongTokens.waitMs(address);
    if (waitMs > 0) {
      context.header('Retry-After', String(Math.ceil(waitMs / 1000)));
      return context.text('Too many wrong tokens.\n', 429);
    }
    const [, given] = /^Bearer +(\S+)$/i.exec(context.req.header('authorization') ?? '') ?? [];
    if (given !== undefined && isEqual(given, token)) return undefined;
    if (given !== undefined) wrongTokens.add(address);
    context.header('WWW-Authenticate', 'Bearer');
    return context.text('The token of dashboard.tokenFile is needed: Authorization: Bearer …\n', 401);
  };

  app.get('/healthz', context => context.text('alive\n'));

  app.get('/readyz', async context => {
    const found = await readiness(runtime);
    return context.json(found, found.ready ? 200 : 503);
  });

  app.get('/metrics', async context => {
    const refused = refusal(context);
    if (refused) return refused;
    try {
      const text = await metrics({ version }, runtime);
      const wantsOpenMetrics = (context.req.header('accept') ?? '').includes('application/openmetrics-text');
      context.header('Content-Type', wantsOpenMetrics ? CONTENT_TYPES.openMetrics : CONTENT_TYPES.prometheus);
      return context.body(text);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return context.text(`${error.message}\n`, 500);
    }
  });
  return app;
}
