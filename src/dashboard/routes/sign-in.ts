import { type Context, Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { type Env, fromOwnPage, isFromElsewhere, signedIn } from '../access/guard.ts';
import { SESSION_SECONDS, type Sessions } from '../access/sessions.ts';
import type { WrongTokens } from '../access/wrong-tokens.ts';
import type { Assets } from '../assets.ts';
import { escapeHtml, htmlDocument } from '../document.ts';

interface SignInSettings {
  sessions: Sessions;
  wrongTokens: WrongTokens;
  /** The cookie's name. */
  cookie: string;
  assets: Assets;
  machine: string;
  /** Called when somebody has signed in. */
  onSignIn: () => void;
}

/** Signing in, by the printed address or by hand, and out. */
export function signInRoutes(settings: SignInSettings): Hono<Env> {
  const { sessions, cookie, onSignIn } = settings;
  const app = new Hono<Env>();

  const enter = (context: Context<Env>, token: string, to: string) => {
    const caller = context.get('caller');
    const waitMs = settings.wrongTokens.waitMs(caller.address);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      context.header('Retry-After', String(seconds));
      return context.html(form(settings, to, `Too many wrong tokens: try again in ${seconds} s.`), 429);
    }
    const value = sessions.signIn(token);
    if (value === undefined) {
      settings.wrongTokens.add(caller.address);
      return context.html(form(settings, to, WRONG), 401);
    }
    setCookie(context, cookie, value, {
      httpOnly: true,
      sameSite: 'Strict',
      secure: caller.isEncrypted,
      path: '/',
      maxAge: SESSION_SECONDS,
    });
    onSignIn();
    return context.html(entered(settings, to));
  };

  app.get('/sign-in', context => {
    const { token, to = '/' } = context.req.query();
    // Whoever only looks whether the address works must not use it up.
    // The address in a browser's history, which has signed in with it: nothing is wrong with that.
    if (sessions.find(getCookie(context, cookie))) return context.html(entered(settings, to));
    if (token && context.req.raw.method === 'GET') return enter(context, token, to);
    return context.html(form(settings, to));
  });

  app.post('/sign-in', async context => {
    if (isFromElsewhere(context)) return context.text('Another site has sent this request.\n', 403);
    const { token, to } = await context.req.parseBody();
    return enter(context, String(token ?? '').trim(), String(to ?? '/'));
  });

  app.post('/sign-out', signedIn(sessions, cookie), fromOwnPage, context => {
    sessions.signOut(getCookie(context, cookie));
    deleteCookie(context, cookie, { path: '/' });
    return context.redirect('/sign-in', 303);
  });
  return app;
}

const WRONG =
  'This token is not right. A one-time address works once; the program prints the next one when it was used.';

function form({ assets, machine }: SignInSettings, to: string, problem = ''): string {
  return htmlDocument({
    title: 'Sign in · recordupload',
    assets,
    body: `<main class="sign-in"><h1>recordupload</h1>
<p class="quiet">${machine ? `The dashboard of ${escapeHtml(machine)}.` : 'Dashboard'} Open the address that <code>recordupload dashboard</code> has printed, or enter its token.</p>
${problem ? `<p class="notice bad" role="alert">${escapeHtml(problem)}</p>` : ''}
<form method="post" action="/sign-in" class="stack">
<input type="hidden" name="to" value="${escapeHtml(ownPath(to))}">
<label><span>Token</span><input type="password" name="token" required autocomplete="current-password" autofocus></label>
<button type="submit" class="primary">Sign in</button>
</form></main>`,
  });
}

/**
 * After a link from another program, the browser does not send the new cookie with a redirect: for SameSite=Strict it
 * counts as the other program's request. It does when a page of ours leads on.
 */
function entered({ assets }: SignInSettings, to: string): string {
  const path = escapeHtml(ownPath(to));
  return htmlDocument({
    title: 'Signed in · recordupload',
    assets,
    head: `<meta http-equiv="refresh" content="0;url=${path}">`,
    body: `<main class="sign-in"><h1>Signed in</h1><p><a href="${path}">To the dashboard</a></p></main>`,
  });
}

/** A path of this dashboard; anything else leads to its first page. */
function ownPath(to: string): string {
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(to) ? to : '/';
}
