import { ALERT_EVENTS, type AlertEvent } from '../core/alerts/cause.ts';
import { parseDuration } from '../core/units.ts';
import type { AlertReceiver } from './config.ts';
import { type Origin, originOf } from './origins.ts';
import { DEFAULTS } from './schema.ts';
import { type Setting, settingsOf } from './sources/setting.ts';
import { flawOfNaming } from './trust/steering.ts';
import { isInsecure } from './urls.ts';

/** An entry of `alerts`, as the schema has checked it. */
interface Entry {
  url?: string;
  command?: string;
  heartbeatUrl?: string;
  on?: AlertEvent[];
  after?: string | number;
}

/**
 * Who gets alerts, from the strongest source that says so.
 * @param options.distrusted gets a line if that source is a file of the working folder that is not trusted; nobody gets
 * alerts then
 */
export function resolveAlerts(
  settings: readonly Setting[],
  { allowInsecure, problems, distrusted }: { allowInsecure: boolean; problems: string[]; distrusted: string[] },
): { alerts: AlertReceiver[]; heartbeatUrls: string[]; origins: Origin[] } {
  const given = settingsOf(settings, 'alerts');
  const [setting] = given;
  const flaw = flawOfNaming(setting);
  if (flaw !== undefined) distrusted.push(flaw);
  const entries = setting && flaw === undefined ? (setting.value as readonly Entry[]) : [];
  for (const [index, { url, heartbeatUrl }] of entries.entries()) {
    if (allowInsecure || !isInsecure(url ?? heartbeatUrl ?? 'https://localhost')) continue;
    problems.push(
      `${setting?.where}[${index}]: http:// would send alerts in the clear: use https://, or set allowInsecure`,
    );
  }
  return {
    alerts: entries.flatMap(receiverOf),
    heartbeatUrls: entries.flatMap(({ heartbeatUrl }) => heartbeatUrl ?? []),
    origins: [originOf('alerts', entries.length === 0 ? undefined : entries.map(shown), given)],
  };
}

function receiverOf({ url, command, on, after }: Entry): AlertReceiver[] {
  const to = url !== undefined ? { url } : command !== undefined ? { command } : undefined;
  const stuckAfterMs = parseDuration(String(after ?? DEFAULTS.alertAfter)) ?? 0;
  return to ? [{ to, on: on ?? ALERT_EVENTS, stuckAfterMs }] : [];
}

/** For `config show`: of a URL only the host, of a command only that there is one. */
function shown({ url, command, heartbeatUrl, on = [...ALERT_EVENTS] }: Entry): string {
  if (heartbeatUrl !== undefined) return `heartbeat at ${new URL(heartbeatUrl).host}`;
  const to = url !== undefined ? new URL(url).host : command !== undefined ? 'a command' : '';
  return `${to} on ${on.join(', ')}`;
}
