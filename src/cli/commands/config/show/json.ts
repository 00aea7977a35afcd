import type { LookedAt, Origin } from '../../../../config/origins.ts';
import { type ConfigFileJson, configFileJson } from '../../../json/config-file.ts';

/** The result of `config show --json`. */
export interface ConfigValuesJson {
  values: {
    /** The key. */
    path: string;
    /** Of a secret only `set` or `unset`; missing where there is none. */
    value?: unknown;
    secret: boolean;
    /** A file with its line, a variable, `default` or `not set`. */
    source: string;
    /** Who speaks through the source; missing for defaults and what is not set. */
    trust?: 'operator' | 'folder' | 'trusted';
    /** Weaker sources that set it, too. */
    shadows: readonly string[];
  }[];
  files: ConfigFileJson[];
  warnings: string[];
}

export function configValuesJson({
  origins,
  files,
  warnings,
}: {
  origins: readonly Origin[];
  files: readonly LookedAt[];
  warnings: string[];
}): ConfigValuesJson {
  return {
    values: origins.map(({ path, value, secret, source, trust, shadows }) => ({
      path,
      value,
      secret,
      source,
      ...(trust !== undefined && { trust }),
      shadows,
    })),
    files: files.map(configFileJson),
    warnings,
  };
}
