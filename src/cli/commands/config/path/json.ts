import type { FileLocations } from '../../../../config/locate-files.ts';
import { type ConfigFileJson, configFileJson } from '../../../json/config-file.ts';

/** The result of `config path --json`. */
export interface LocationsJson {
  /** The weakest first. */
  files: ConfigFileJson[];
  stateDir: string;
  logFile: string;
}

export function locationsJson({ files, stateDir, logFile }: FileLocations): LocationsJson {
  return { files: files.map(configFileJson), stateDir, logFile };
}
