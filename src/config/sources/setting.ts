import type { Trust } from '../trust/levels.ts';

/** The sources, the weakest first. `aws`: variables and profiles of the AWS tools, which any other source overrides. */
export const LEVELS = ['aws', 'user', 'project', 'dotenv', 'environment', 'flag'] as const;

export type Level = (typeof LEVELS)[number];

/** One value that one source gives to one key. */
export interface Setting {
  /** The key, as in a file: `webhook.url`; the whole list for `webhooks`. */
  path: string;
  value: unknown;
  level: Level;
  /** The source as `config show` prints it: `.recorduploadrc:3`, `WEBHOOK_TOKEN`, `.env:2 (WEBHOOK_TOKEN)`. */
  source: string;
  /** The beginning of each problem's message: `.recorduploadrc: webhook.url`, `WEBHOOK_URL`. */
  where: string;
  /** The variable that sets it; undefined if a file or flag does. */
  variable?: string | undefined;
  /** The trust level of the source. */
  trust: Trust;
  /** The absolute path of the file that sets it; undefined if a variable or flag does. Links are not resolved. */
  file?: string | undefined;
  /** True if the file was trusted, and its content has changed since. */
  hasChanged?: boolean | undefined;
  /** The folder that relative paths in the value start at. */
  folder: string;
  /** Returns the source of a part of the value, such as `webhooks.0.token`, with its line. */
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
