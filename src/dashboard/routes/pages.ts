import { Hono } from 'hono';
import { mediaLink } from '../../app/media-link.ts';
import type { Env } from '../access/guard.ts';
import { logsContent } from '../pages/logs.ts';
import { recordingContent } from '../pages/recording.ts';
import { recordingsContent } from '../pages/recordings.ts';
import { webhooksContent } from '../pages/webhooks.ts';
import type { Parts } from '../parts.ts';
import { show } from './show.ts';

/** How long a link to a file in the bucket works. */
const LINK_SECONDS = 300;

/** The pages for looking. */
export function pageRoutes(parts: Parts): Hono<Env> {
  const { hub, runtime } = parts;
  const app = new Hono<Env>();

  app.get('/', async context => show(context, parts, 'overview', await hub.overview()));

  app.get('/recordings', async context => {
    const live = await hub.overview();
    return show(context, parts, 'recordings', await recordingsContent(context.req.query(), runtime, live));
  });

  app.get('/recordings/:id', async context => {
    const content = await recordingContent(context.req.param('id'), runtime, await hub.overview());
    const targets = [`${runtime.config.endpoint}/`, ...content.uploads.map(({ target }) => target)];
    const mediaFrom = [...new Set(targets.filter(text => URL.canParse(text)).map(text => new URL(text).origin))];
    return show(context, parts, 'recording', content, { mediaFrom });
  });

  // A link in the page would be too old after a while; this one leads to a fresh one.
  app.get('/recordings/:id/files/:name', async context => {
    const { id, name } = context.req.param();
    await using fresh = await parts.openRuntime({ log: false, signal: context.req.raw.signal });
    const download = context.req.query('download') !== undefined;
    const link = await mediaLink({ id, name, expiresInSeconds: LINK_SECONDS, download }, fresh);
    return context.redirect(link, 302);
  });

  app.get('/webhooks', async context =>
    show(context, parts, 'webhooks', await webhooksContent(context.req.query(), runtime, await hub.overview())),
  );

  app.get('/logs', context => show(context, parts, 'logs', logsContent(context.req.query(), runtime.config.logFile)));
  return app;
}
