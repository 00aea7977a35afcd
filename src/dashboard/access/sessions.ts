import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Somebody who has signed in. */
export interface Session {
  /** Every change that the browser asks for has to bring it. */
  changeToken: string;
}

export interface Sessions {
  /** The address of the sign-in page with this is the one-time way in; a new one after each use. */
  oneTimeToken(): string;
  /** A cookie's value for the one who knows the one-time token, which is void then, or the configured one. */
  signIn(token: string): string | undefined;
  /** Undefined: nobody, or the session is over. */
  find(cookie: string | undefined): Session | undefined;
  /** Ends the session of a cookie. */
  signOut(cookie: string | undefined): void;
}

/** How long a browser stays signed in, in seconds. */
export const SESSION_SECONDS = 30 * 24 * 3600;

interface SessionSettings {
  /** Signs the cookies: with the same key, sessions outlive the process. */
  key: Buffer;
  /** The token that is configured: whoever knows it signs in as often as they want. */
  token: string | undefined;
  now: () => number;
  /** Called when somebody signs in, and with each request of theirs. */
  onUse?: () => void;
}

/** Sessions that need no list: the cookie says until when it holds, and is signed. */
export function openSessions({ key, token, now, onUse = () => {} }: SessionSettings): Sessions {
  // With another token, sessions of the old one are over.
  const secret = sign(key, `sessions of ${token ?? ''}`);
  let oneTime = newToken();
  const ended = new Set<string>();
  const idOf = (cookie: string | undefined): string | undefined => {
    const [, id = '', until = '', signature = ''] = /^([\w-]{22})\.(\d{1,12})\.([\w-]{43})$/.exec(cookie ?? '') ?? [];
    if (id === '' || !isEqual(signature, sign(secret, `${id}.${until}`))) return undefined;
    return Number(until) * 1000 > now() && !ended.has(id) ? id : undefined;
  };
  return {
    oneTimeToken: () => oneTime,
    signIn(given) {
      if (isEqual(given, oneTime)) oneTime = newToken();
      else if (token === undefined || !isEqual(given, token)) return undefined;
      onUse();
      const id = randomBytes(16).toString('base64url');
      const until = Math.floor(now() / 1000) + SESSION_SECONDS;
      return `${id}.${until}.${sign(secret, `${id}.${until}`)}`;
    },
    find(cookie) {
      const id = idOf(cookie);
      if (id === undefined) return undefined;
      onUse();
      return { changeToken: sign(secret, `changes of ${id}`) };
    },
    signOut(cookie) {
      const id = idOf(cookie);
      if (id !== undefined) ended.add(id);
    },
  };
}

function newToken(): string {
  return randomBytes(24).toString('base64url');
}

function sign(key: Buffer | string, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** Takes the same time wherever they differ. */
export function isEqual(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
