import { titleOf } from '../page-title.ts';
import type { Redactor } from '../redact.ts';
import { printableLine } from '../text.ts';
import { wantsHttps } from '../tls-failure.ts';
import { parseObject } from './json-object.ts';
import type { Answer } from './post-result.ts';
import { isWebPage } from './read-answer.ts';

/** How much of a page's title, or of a gateway's message, is shown. */
const SHOWN_CHARACTERS = 100;

/**
 * Describes a response that is not the contract's: what kind of body, its title or message, and the program that names
 * itself in the `Server` header, such as `an HTML page ("403 Forbidden", from nginx)`.
 * @param redact applied to what is quoted, before it is cut to length
 */
export function describeForeign(answer: Answer, redact: Redactor): string {
  const { contentEncoding, server, body } = answer;
  const shown = (text: string) => {
    const line = printableLine(redact.foreign(text)).replace(/\s+/g, ' ').trim();
    return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS - 1)}…` : line;
  };
  const named = (what: string, words?: string) => {
    const from = server ? [`from ${shown(server)}`] : [];
    const parts = words?.trim() ? [`"${shown(words)}"`, ...from] : from;
    return parts.length > 0 ? `${what} (${parts.join(', ')})` : what;
  };
  if (contentEncoding && !/^identity$/i.test(contentEncoding)) {
    return named(`a response in the coding ${shown(contentEncoding)}, which was not asked for`);
  }
  if (isWebPage(answer)) return named('an HTML page', titleOf(body));
  if (body.trim() === '') return named('an empty body');
  const json = parseObject(body);
  const message = json && messageOf(json);
  if (message !== undefined) return named('JSON of another program', message);
  return named('something else', json ? undefined : body);
}

/** What to check for such a response of status 4xx. */
export function foreignAdvice(answer: Answer, url: string): string {
  const cause = CAUSES.find(({ status, applies }) => (status ?? answer.status) === answer.status && applies(answer));
  return (
    cause?.advice(new URL(url), answer) ?? 'check webhook.url, and any proxy, gateway or firewall before the server'
  );
}

/** What to check for a response of status 5xx; empty where it has no cause that we know. */
export function faultAdvice({ body }: Answer, url: string): string {
  // Django, with APPEND_SLASH and DEBUG: it does not redirect a POST, and so raises an error.
  if (!/t end in a slash and you have APPEND_SLASH set/.test(body)) return '';
  const { origin, pathname } = new URL(url);
  if (pathname.endsWith('/')) return '';
  return `; put a slash at the end of webhook.url (${origin}${pathname}/)`;
}

/** Known programs first, then what a status means wherever it comes from. */
const CAUSES: readonly {
  status?: number;
  applies(answer: Answer): boolean;
  advice(url: URL, answer: Answer): string;
}[] = [
  {
    applies: ({ body }) => /DisallowedHost|ALLOWED_HOSTS|<h1>Bad Request \(400\)<\/h1>/.test(body),
    advice: ({ hostname }) =>
      `Django answers like this if ${hostname} is not in its ALLOWED_HOSTS; check the host in webhook.url, or have it added there`,
  },
  {
    applies: ({ body }) => /CSRF/.test(body),
    advice: () =>
      "Django's CSRF protection answers like this where webhook.url names a page and not the webhook; check its path",
  },
  {
    applies: ({ body }) => wantsHttps(body),
    advice: ({ host }) => `webhook.url begins with http://, but ${host} speaks HTTPS; begin it with https://`,
  },
  {
    status: 401,
    applies: () => true,
    advice: () => 'a proxy or gateway before the server wants a login of its own; have webhooks exempted from it',
  },
  {
    status: 403,
    applies: () => true,
    advice: () =>
      "a firewall or gateway blocks the request; have this machine's address, or the path of the webhook, allowed there",
  },
  {
    status: 404,
    applies: () => true,
    advice: ({ pathname }) => `check the path in webhook.url (${pathname}), including the slash at its end`,
  },
  {
    status: 407,
    applies: () => true,
    advice: (_, { proxyVariable = 'HTTP_PROXY' }) =>
      `the proxy wants a user name and a password; put them into its address in ${proxyVariable}`,
  },
  {
    status: 413,
    applies: () => true,
    advice: () => 'the payload is too large for it; check the limits of any proxy before the server',
  },
];

/** How gateways and frameworks name the key of their message. */
function messageOf(json: Record<string, unknown>): string | undefined {
  return [json.message, json.detail, json.error, json.title, json.Message].find(word => typeof word === 'string');
}
