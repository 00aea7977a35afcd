import type { LookedAt } from '../../config/origins.ts';

/** A file that configuration is read from. */
export interface ConfigFileJson {
  file: string;
  level: LookedAt['level'];
  state: LookedAt['state'];
}

export function configFileJson({ file, level, state }: LookedAt): ConfigFileJson {
  return { file, level, state };
}
