import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Caller, Door } from './caller.ts';
import { securityHeaders } from './headers.ts';
import { isEqual, type Session, type Sessions } from './sessions.ts';

/** What the routes know of a request. */
export interface Env {
  Bindings: HttpBindings;
  Variables: { caller: Caller; session: Session };
}

/** Refuses who may not connect, and requests to a name that is not ours (DNS rebinding). Adds the security headers. */
export function atTheDoor(door: Door): MiddlewareHandler<Env> {
  return async (context, next) => {
    for (const [name, value] of Object.entries(securityHeaders())) context.header(name, value);
    const { incoming } = context.env;
    const caller = door.callerOf(incoming);
    if (!caller) return context.text('Only the proxies in dashboard.trustedProxies may connect.\n', 403);
    if (!door.isOwnHost(incoming))
      return context.text('The Host header names another server. Behind a proxy, set dashboard.url.\n', 403);
    context.set('caller', caller);
    if (caller.isEncrypted) context.header('Strict-Transport-Security', 'max-age=31536000');
    await next();
    return undefined;
  };
}

/** Lets only those pass who have signed in; browsers get the sign-in page. */
export function signedIn(sessions: Sessions, cookie: string): MiddlewareHandler<Env> {
  return async (context, next) => {
    const session = sessions.find(getCookie(context, cookie));
    if (!session) {
      const wantsPage = context.req.method === 'GET' && (context.req.header('accept') ?? '').includes('text/html');
      if (!wantsPage) return context.json({ error: 'sign in first' }, 401);
      const { pathname, search } = new URL(context.req.url);
      return context.redirect(`/sign-in?to=${encodeURIComponent(pathname + search)}`, 303);
    }
    context.set('session', session);
    await next();
    return undefined;
  };
}

/** Refuses every change to a dashboard for looking at alone. */
export function unlessReadOnly(readOnly: boolean): MiddlewareHandler<Env> {
  return async (context, next) => {
    if (readOnly) return context.text('This dashboard was started with --read-only.\n', 403);
    await next();
    return undefined;
  };
}

/** Lets a change pass only if a page of this dashboard asks for it: another site does not know the session's token. */
export const fromOwnPage: MiddlewareHandler<Env> = async (context, next) => {
  if (isFromElsewhere(context)) return context.text('Another site has sent this request.\n', 403);
  const form = await context.req.parseBody();
  const token = context.req.header('x-change-token') ?? form.changeToken;
  if (typeof token !== 'string' || !isEqual(token, context.get('session').changeToken))
    return context.text('The page is too old, or not from this dashboard: load it again.\n', 403);
  await next();
  return undefined;
};

/** What browsers say about where a request comes from. */
export function isFromElsewhere(context: Context<Env>): boolean {
  const site = context.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const origin = context.req.header('origin');
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== context.req.header('host')?.toLowerCase();
}
