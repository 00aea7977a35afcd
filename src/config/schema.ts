import { isIP } from 'node:net';
// The mini build of zod: the same checks at a fifth of the size, which start-up notices.
import * as z from 'zod/mini';
import { ALERT_EVENTS } from '../core/alerts/cause.ts';
import { parseEmail } from '../core/email.ts';
import { parseDuration, parseRateLimit, type RateChange } from '../core/units.ts';
import { parseListen } from './listen.ts';
import { flawOfSigningSecret, flawOfStateUrl, flawOfToken } from './secret-text.ts';
import { flawOfUrl } from './urls.ts';

/** Returns what is wrong with a text, for the message behind the key's path; undefined if nothing is. */
type FlawOf = (text: string) => string | undefined;

function text(flawOf: FlawOf) {
  return z.string().check(context => {
    const flaw = flawOf(context.value);
    if (flaw !== undefined) context.issues.push({ code: 'custom', message: flaw, input: context.value });
  });
}

/**
 * A text that `parse` turns into a value, or refuses by returning undefined. `expected` completes the message
 * "expected …". Numbers are accepted too, because YAML and JSON read unquoted digits as numbers.
 */
function parsed<T>(parse: (text: string) => T | undefined, expected: string) {
  return z.pipe(
    z.unknown(),
    z.transform((given, context) => {
      if (typeof given !== 'string' && typeof given !== 'number') {
        context.issues.push({ code: 'invalid_type', expected: 'string', input: given });
        return z.NEVER;
      }
      const value = parse(String(given));
      if (value !== undefined) return value;
      context.issues.push({ code: 'custom', message: unexpected(given, expected), input: given });
      return z.NEVER;
    }),
  );
}

function unexpected(given: string | number, expected: string): string {
  return `expected ${expected}, got ${JSON.stringify(given)}`;
}

/** A text that matches a pattern; `expected` completes the message "expected …". */
function matching(pattern: RegExp, expected: string) {
  return text(value => (pattern.test(value) ? undefined : unexpected(value, expected)));
}

const printable = (what: string) => matching(/^[^\p{Cc}]{1,255}$/u, `${what} of up to 255 characters`);
const path = matching(/^[^\0]+$/, 'a path');
const url = text(value => flawOfUrl(value, { allowQuery: true }));
const baseUrl = text(value => flawOfUrl(value, { allowQuery: false }));
const count = (least: number, most: number) => z.int().check(z.gte(least), z.lte(most));
const globs = z.array(matching(/^[^\0]+$/, 'a glob'));

/** The default values. Defaults that depend on other values (endpoint, stateDir, …) are in `load-config.ts`. */
export const DEFAULTS = {
  region: 'us-west-1',
  bucket: 'fyemeet',
  webhookUrl: 'https://ops.fyelabs.com/recordings/webhook/',
  uploadRetryBudget: '30m',
  settle: '3s',
  watchQuiet: '60s',
  dashboardListen: '127.0.0.1:8707',
  alertAfter: '1h',
  deleteAfter: 'never',
  webhookConcurrency: 16,
} as const;

/** Nobody waits longer for an outage to end: a larger value is a typing error. */
const LONGEST_BUDGET_MS = 30 * 86_400_000;

function parseBudget(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms <= LONGEST_BUDGET_MS ? ms : undefined;
}

/** Longer than any recorder pauses while it writes. */
const LONGEST_SETTLE_MS = 3_600_000;

function parseSettle(text: string): number | undefined {
  // `0` needs no unit.
  const ms = text.trim() === '0' ? 0 : parseDuration(text);
  return ms !== undefined && ms <= LONGEST_SETTLE_MS ? ms : undefined;
}

/** Longer than any recording pauses. */
const LONGEST_QUIET_MS = 7 * 86_400_000;

function parseQuiet(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= 1000 && ms <= LONGEST_QUIET_MS ? ms : undefined;
}

/** An IP address or a range of them (CIDR). */
function flawOfAddress(text: string): string | undefined {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  if (version !== 0 && isRange && more.length === 0) return undefined;
  return unexpected(text, 'an IP address or a range such as 10.0.0.0/8');
}

/** `none`: what is still being recorded is not uploaded. */
function parseLiveBandwidth(text: string): RateChange[] | 'none' | undefined {
  return text.trim() === '0' ? 'none' : parseRateLimit(text);
}

/** Undefined: never. */
export interface DeleteAfter {
  ms: number | undefined;
}

function parseDeleteAfter(text: string): DeleteAfter | undefined {
  if (text.trim() === 'never') return { ms: undefined };
  // A number alone could mean "at once" or "off".
  const ms = parseDuration(text);
  return ms === undefined ? undefined : { ms };
}

/** Such that an ID can begin with it, and half of an ID's length is left. Digits alone are a number in YAML. */
function parseIdPrefix(text: string): string | undefined {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,31}$/.test(text) && !text.includes('..') ? text : undefined;
}

const endpointFields = {
  token: z.optional(text(flawOfToken)),
  tokenFile: z.optional(path),
  secret: z.optional(text(flawOfSigningSecret)),
  secretFile: z.optional(path),
  secrets: z.optional(z.array(text(flawOfSigningSecret)).check(z.minLength(1), z.maxLength(2))),
  enabled: z._default(z.boolean(), true),
};

/** Longer than anybody waits for a recording. */
const LONGEST_STUCK_MS = 30 * 86_400_000;

function parseAfter(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms <= LONGEST_STUCK_MS ? ms : undefined;
}

/** Its URLs are secrets: whoever knows one can write to the channel. No problem repeats them. */
const secretUrl = text(value =>
  flawOfUrl(value, { allowQuery: true }) === undefined ? undefined : 'expected an https:// URL',
);

/** Somebody who gets alerts, or a service that expects a call after each good pass. */
const alert = z
  .strictObject({
    url: z.optional(secretUrl),
    command: z.optional(matching(/^[^\0]+$/, 'a command')),
    heartbeatUrl: z.optional(secretUrl),
    on: z.optional(
      z.array(matching(new RegExp(`^(?:${ALERT_EVENTS.join('|')})$`), `an event (${ALERT_EVENTS.join(', ')})`)),
    ),
    after: z.optional(parsed(parseAfter, 'a duration such as 15m or 2h, 30d at most')),
  })
  .check(context => {
    const { url, command, heartbeatUrl, on, after } = context.value;
    const ways = [url, command, heartbeatUrl].filter(way => way !== undefined).length;
    const isHeartbeatWithEvents = heartbeatUrl !== undefined && (on !== undefined || after !== undefined);
    if (ways === 1 && !isHeartbeatWithEvents) return;
    const message = isHeartbeatWithEvents
      ? 'a heartbeatUrl has no "on" and no "after"'
      : 'expected one of url, command and heartbeatUrl';
    context.issues.push({ code: 'custom', message, input: context.value });
  });

/** The schema of the whole configuration. It checks each source separately, and then the merged result. */
export const settingsSchema = z.strictObject({
  endpoint: z.optional(baseUrl),
  region: z._default(matching(/^[a-z0-9-]{1,64}$/i, 'a region such as us-west-1'), DEFAULTS.region),
  bucket: z._default(matching(/^[a-z0-9][a-z0-9._-]{1,254}$/i, "a bucket's name"), DEFAULTS.bucket),
  publicBaseUrl: z.optional(baseUrl),
  accessKeyId: z.optional(text(flawOfToken)),
  accessKeyIdFile: z.optional(path),
  secretAccessKey: z.optional(text(flawOfToken)),
  secretAccessKeyFile: z.optional(path),
  sessionToken: z.optional(text(flawOfToken)),
  awsProfile: z.optional(printable('a profile name')),
  user: z.prefault(
    z.strictObject({
      name: z.optional(printable('text')),
      email: z.optional(parsed(parseEmail, 'an e-mail address')),
    }),
    {},
  ),
  webhook: z.prefault(z.strictObject({ url: z._default(url, DEFAULTS.webhookUrl), ...endpointFields }), {}),
  webhooks: z.optional(
    z.array(
      z.strictObject({
        name: matching(/^[a-z0-9_-]{1,32}$/, 'a name of up to 32 of a-z, 0-9, _ and -'),
        url,
        ...endpointFields,
      }),
    ),
  ),
  stateDir: z.optional(path),
  logFile: z.optional(path),
  stateUrl: z.optional(text(flawOfStateUrl)),
  stateUrlFile: z.optional(path),
  machine: z.optional(matching(/^[a-z0-9][a-z0-9._-]{0,49}$/i, 'a name of up to 50 letters, digits, ".", "_" and "-"')),
  sharedFolders: z._default(z.boolean(), false),
  acl: z.optional(matching(/^[a-z][a-z-]{1,40}$/, 'a canned ACL such as public-read')),
  storageClass: z.optional(matching(/^[A-Z][A-Z0-9_]{1,40}$/, 'a storage class such as STANDARD_IA')),
  cacheControl: z.optional(matching(/^[\x20-\x7e]{1,255}$/, 'a Cache-Control header such as max-age=86400')),
  uploadSource: z.optional(printable('text')),
  extraFiles: z._default(globs, []),
  idPrefix: z.optional(parsed(parseIdPrefix, 'up to 32 letters, digits, ".", "_" and "-" such as studio-a-')),
  allowInsecure: z._default(z.boolean(), false),
  concurrency: z.optional(count(1, 256)),
  bwlimit: z.optional(parsed(parseRateLimit, 'a rate such as 10M, 512k, off or "08:00,512k 19:00,off"')),
  uploadRetryBudget: z.prefault(
    parsed(parseBudget, 'a duration such as 90s, 30m or 2h, 30d at most'),
    DEFAULTS.uploadRetryBudget,
  ),
  settle: z.prefault(parsed(parseSettle, 'a duration such as 3s or 1m, 1h at most'), DEFAULTS.settle),
  watch: z.prefault(
    z.strictObject({
      roots: z._default(z.array(path), []),
      marker: z.optional(matching(/^[^\0/]{1,255}$/, 'a file name or glob without "/"')),
      quiet: z.prefault(parsed(parseQuiet, 'a duration such as 60s or 5m, 1s to 7d'), DEFAULTS.watchQuiet),
      liveBandwidth: z.optional(
        parsed(parseLiveBandwidth, 'a rate such as 10M, 512k, off, 0 or "08:00,512k 19:00,off"'),
      ),
    }),
    {},
  ),
  dashboard: z.prefault(
    z.strictObject({
      listen: z.prefault(
        parsed(parseListen, 'an address and a port such as 127.0.0.1:8707 or [::1]:8707'),
        DEFAULTS.dashboardListen,
      ),
      url: z.optional(baseUrl),
      tokenFile: z.optional(path),
      tlsCert: z.optional(path),
      tlsKey: z.optional(path),
      trustedProxies: z._default(z.array(text(flawOfAddress)), []),
    }),
    {},
  ),
  alerts: z._default(z.array(alert), []),
  deleteAfter: z.prefault(parsed(parseDeleteAfter, 'a duration such as 7d or 12h, or never'), DEFAULTS.deleteAfter),
  webhookConcurrency: z._default(count(1, 256), DEFAULTS.webhookConcurrency),
  caFile: z.optional(path),
});
