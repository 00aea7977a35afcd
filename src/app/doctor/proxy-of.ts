import { proxyFor } from '../../core/webhook/network-failure.ts';

/** The proxy that a URL is reached through. Interprets `NO_PROXY` as Node's agents do. */
export function proxyOf(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  const without = (env.no_proxy || env.NO_PROXY || '').split(/[\s,]+/).filter(entry => entry !== '');
  const isDirect = without.some(entry => {
    const name = entry.replace(/^\*?\./, '').toLowerCase();
    return (
      entry === '*' ||
      name === url.hostname ||
      name === url.host ||
      (entry !== name && url.hostname.endsWith(`.${name}`))
    );
  });
  return isDirect ? undefined : proxyFor(url, env);
}
