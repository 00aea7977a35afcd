import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Door } from './access/caller.ts';
import { atTheDoor, type Env, signedIn } from './access/guard.ts';
import type { Sessions } from './access/sessions.ts';
import type { WrongTokens } from './access/wrong-tokens.ts';
import type { Parts } from './parts.ts';
import { actionRoutes } from './routes/actions.ts';
import { assetRoutes } from './routes/assets.ts';
import { eventRoutes } from './routes/events.ts';
import { monitoringRoutes } from './routes/monitoring.ts';
import { pageRoutes } from './routes/pages.ts';
import { show, showError } from './routes/show.ts';
import { signInRoutes } from './routes/sign-in.ts';

interface AppSettings {
  door: Door;
  /** The one that is configured. */
  token: string | undefined;
  sessions: Sessions;
  wrongTokens: WrongTokens;
  cookie: string;
  onSignIn: () => void;
}

/** More than a form with everything selected has. */
const LARGEST_BODY_BYTES = 256 * 1024;

/** All routes, in the order in which a request passes: the door, what is open to all, the sign-in, the pages. */
export function createApp(parts: Parts, settings: AppSettings): Hono<Env> {
  const { door, sessions, cookie } = settings;
  const { assets, machine } = parts;
  const app = new Hono<Env>();
  app.use(atTheDoor(door));
  const onError = (context: Context<Env>) => context.text('The request is too large.\n', 413);
  app.use(bodyLimit({ maxSize: LARGEST_BODY_BYTES, onError }));

  // Open to everybody who may connect.
  app.route('/', assetRoutes(assets));
  app.route('/', signInRoutes({ ...settings, assets, machine }));

  app.route('/', monitoringRoutes(parts, settings));

  app.use(signedIn(sessions, cookie));
  app.route('/', pageRoutes(parts));
  app.route('/', eventRoutes(parts));
  app.route('/', actionRoutes(parts));

  app.notFound(context => {
    if (context.get('session') === undefined) return context.text('Not found\n', 404);
    const content = { title: 'Not found', message: 'There is no such page.', hint: null };
    return show(context, parts, 'problem', content, { status: 404 });
  });
  app.onError((error, context) => {
    if (context.get('session') === undefined) return context.text('This did not work.\n', 500);
    return showError(context, parts, error);
  });
  return app;
}
