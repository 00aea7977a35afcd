import path from 'node:path';
import type { LoadOptions } from './load-config.ts';
import type { LookedAt } from './origins.ts';
import { machineOf, resolvePath, userFolders } from './paths.ts';
import { readSources } from './sources/read-sources.ts';
import { settingsOf } from './sources/setting.ts';

/** The configuration files of this machine, and where the state and the log are. */
export interface FileLocations {
  /** What was looked for, the weakest first. */
  files: LookedAt[];
  /** Absolute paths. */
  stateDir: string;
  logFile: string;
  /** One line for each problem; wrong values are ignored. */
  problems: string[];
}

/** Finds the configuration files, the state folder and the log. Reads no secret, and never fails. */
export async function locateFiles({ cwd, env, configFile, machine: overrides }: LoadOptions): Promise<FileLocations> {
  const machine = machineOf(env, overrides);
  const problems: string[] = [];
  const { settings, files } = await readSources(
    { cwd, machine, configFile, flags: {} },
    { problems, secretProblems: problems },
  );
  const configured = (key: string) => {
    const [setting] = settingsOf(settings, key);
    return setting && resolvePath(String(setting.value), setting.folder, machine.home);
  };
  const stateDir = configured('stateDir') ?? userFolders(machine).state;
  return { files, stateDir, logFile: configured('logFile') ?? path.join(stateDir, 'logs', 'app.log'), problems };
}
