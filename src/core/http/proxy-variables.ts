import { AppError } from '../errors.ts';

const NAMES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

/**
 * Reads the proxies of the environment into the form that Node's agents take. As in most programs, `proxy:3128` is an
 * address too.
 * @returns undefined if no proxy is named
 * @throws AppError `CONFIG` for a value that is not an address; it may contain a password, so the message does not show it
 */
export function proxyVariables(env: NodeJS.ProcessEnv | undefined): NodeJS.ProcessEnv | undefined {
  const proxies: NodeJS.ProcessEnv = {};
  for (const name of NAMES) {
    const value = env?.[name]?.trim();
    if (!value) continue;
    const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
    if (!isAddress(url)) {
      throw new AppError('CONFIG', `${name}: expected the address of a proxy (the value is not shown)`, {
        hint: 'as in http://proxy.example:3128; characters of a password such as "@" and "%" are written %40 and %25',
      });
    }
    proxies[name] = url;
  }
  if (Object.keys(proxies).length === 0) return undefined;
  return { ...proxies, NO_PROXY: env?.NO_PROXY, no_proxy: env?.no_proxy };
}

function isAddress(text: string): boolean {
  try {
    const { username, password } = new URL(text);
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
