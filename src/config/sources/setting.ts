import type { Trust } from '../trust/levels.ts';

/** The sources in rising precedence. `aws` holds what counts only where nothing explicit says otherwise. */
export const LEVELS = ['aws', 'user', 'project', 'dotenv', 'environment', 'flag'] as const;

export type Level = (typeof LEVELS)[number];

/** One value that one source gives to one key. */
export interface Setting {
  /** The key, as in a file: `webhook.url`; the whole list for `webhooks`. */
  path: string;
  value: unknown;
  level: Level;
  /** For people who ask where a value came from: `.recorduploadrc:3`, `WEBHOOK_TOKEN`, `.env:2 (WEBHOOK_TOKEN)`. */
  source: string;
  /** What a problem with it begins with: `.recorduploadrc: webhook.url`, `WEBHOOK_URL`. */
  where: string;
  /** The variable that gives it, where one does. */
  variable?: string | undefined;
  /** Who speaks through its source. */
  trust: Trust;
  /** The file that gives it; undefined: no file does. Absolute, not resolved. */
  file?: string | undefined;
  /** Of a file that is not trusted: it was, with other content. */
  hasChanged?: boolean | undefined;
  /** What relative paths in it are relative to. */
  folder: string;
  /** Where a part of it stands (`webhooks.0.token`), where its source knows. */
  sourceOf?: ((path: string) => string) | undefined;
}

/** True where `a` comes from a stronger source than `b`. */
export function outranks(a: Level, b: Level): boolean {
  return LEVELS.indexOf(a) > LEVELS.indexOf(b);
}

/** The settings of one key (or several), the strongest first; those of one source stay in order. */
export function settingsOf(settings: readonly Setting[], ...paths: string[]): Setting[] {
  return settings
    .filter(setting => paths.includes(setting.path))
    .sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
}
