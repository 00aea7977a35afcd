import type { Runtime } from '../app/runtime.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { AppError } from '../core/errors.ts';
import type { Jobs } from './actions/jobs.ts';
import type { Assets } from './assets.ts';
import type { Hub } from './live/hub.ts';

/** What the routes work with. */
export interface Parts {
  /** For looking. */
  runtime: Runtime;
  /** For acting: with the configuration as it is now. The caller disposes of it. @throws AppError `CONFIG` */
  openRuntime(options: { log: boolean; signal: AbortSignal }): Promise<Runtime>;
  /** For the doctor, who also examines a configuration that cannot be used. */
  loadConfig(): Promise<LoadedConfig | AppError>;
  userAgent: string;
  hub: Hub;
  jobs: Jobs;
  assets: Assets;
  readOnly: boolean;
  version: string;
  machine: string;
  /** Aborts when the dashboard is closed. */
  signal: AbortSignal;
}
