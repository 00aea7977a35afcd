import { maskedUrl } from '../core/redact.ts';

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** What is wrong with an http(s) URL, as a problem's text; undefined: nothing. Passwords in it are not repeated. */
export function flawOfUrl(text: string, options: { allowQuery: boolean }): string | undefined {
  const shown = JSON.stringify(shortened(maskedUrl(text)));
  if (!SCHEME.test(text)) {
    // Things that look like a host and lack only the scheme get the scheme suggested; `ops` does not.
    const looksLikeHost = /^(?:localhost|[\w-]+(?:\.[\w-]+)+|\[[0-9a-f:]+\])(?::\d+)?(?:\/\S*)?$/i.test(text);
    return looksLikeHost
      ? `${shown} has no scheme (use https://${shortened(maskedUrl(text))})`
      : `expected a URL, got ${shown}`;
  }
  if (/[\s\u0000-\u001f\u007f]/.test(text) || !URL.canParse(text)) return `expected a URL, got ${shown}`;
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `expected an https:// URL, got ${shown}`;
  if (url.username !== '' || url.password !== '') {
    return `expected a URL without user name and password, got ${shown}`;
  }
  if (url.hash !== '') return `expected a URL without "#…", got ${shown}`;
  if (url.search !== '' && !options.allowQuery) return `expected a URL without "?…", got ${shown}`;
  return undefined;
}

/** True where requests to the URL travel in the clear over a network: http:// to anything but this machine itself. */
export function isInsecure(text: string): boolean {
  const url = new URL(text);
  if (url.protocol !== 'http:') return false;
  // URL has already turned 127.1, 0x7f000001 and the like into four decimal numbers, and ::1 into its short form.
  return !/^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/.test(url.hostname);
}

/**
 * The endpoint without the bucket that it contains, as the first label of its host or in its path; undefined: it contains
 * none. With such an endpoint every object would be stored below a second copy of the bucket's name.
 */
export function withoutBucket(endpoint: string, bucket: string): string | undefined {
  const url = new URL(endpoint);
  const name = bucket.toLowerCase();
  const isInHost = url.host.startsWith(`${name}.`) && !isServiceName(name, url.host);
  const host = isInHost ? url.host.slice(name.length + 1) : url.host;
  const path = url.pathname.split('/').filter(segment => segment.toLowerCase() !== name);
  const bare = withoutTrailingSlash(`${url.protocol}//${host}${path.join('/')}`);
  return bare === withoutTrailingSlash(url.href) ? undefined : bare;
}

/** `minio.example.com` is a server's name, whatever the bucket is called; `minio.s3.example.com` is the bucket minio. */
function isServiceName(name: string, host: string): boolean {
  return /^(?:s3|minio|storage|objects?)$/.test(name) && !/^s3[.-]/.test(host.slice(name.length + 1));
}

/** The URL as bases are kept: without slashes at its end. */
export function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

/** Text of a configuration for a message: if it may be a URL, without user name, password, query and fragment. */
export function displayText(text: string): string {
  return shortened(/^[a-z][a-z0-9+.-]*:|\/\/|[:/].*@|^[^\s@]+:/i.test(text) ? maskedUrl(text) : text);
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
