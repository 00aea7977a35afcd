import type { Setting } from './sources/setting.ts';
import type { Trust } from './trust/levels.ts';

/** The source of one key's value. */
export interface Origin {
  /** As in a file; an endpoint of a list by its name: `webhooks.ops.url`. */
  path: string;
  /** The value that is used; for a secret only `set` or `unset`. Undefined: not set. */
  value: unknown;
  secret: boolean;
  /** `.recorduploadrc:3`, `WEBHOOK_URL`, `.env:2 (WEBHOOK_URL)`, `command line`, `default`, `not set`, … */
  source: string;
  /** The trust level of the source; undefined for defaults and keys that are not set. */
  trust?: Trust | undefined;
  /** Weaker sources that also set it, the strongest first. */
  shadows: string[];
}

/** A file that may contain configuration. */
export interface LookedAt {
  file: string;
  level: 'user' | 'project' | 'dotenv';
  state: 'used' | 'not used' | 'absent';
}

/** Records the origin of a value that is no secret; `settings`: all that set it, the strongest first. */
export function originOf(path: string, value: unknown, settings: readonly Setting[], otherwise = 'default'): Origin {
  const [winner, ...shadowed] = settings;
  const source = winner?.source ?? (value === undefined ? 'not set' : otherwise);
  return { path, value, secret: false, source, trust: winner?.trust, shadows: shadowed.map(setting => setting.source) };
}
