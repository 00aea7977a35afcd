import { openRuntime, type Runtime } from '../app/runtime.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { AppError } from '../core/errors.ts';
import { type RunningDashboard, startDashboard } from '../dashboard/start.ts';
import { USER_AGENT } from './open-command.ts';
import { VERSION } from './program/version.ts';

interface ServeSettings {
  /** Reads the configuration as it is now. @throws AppError `CONFIG` */
  load(): Promise<LoadedConfig>;
  readOnly: boolean;
  /** Gets the next address when the one before was used. */
  onNextAddress(address: string): void;
}

/** Serves the dashboard over a runtime. @throws AppError as `startDashboard` */
export async function serveDashboard(
  runtime: Runtime,
  { load, readOnly, onNextAddress }: ServeSettings,
): Promise<RunningDashboard> {
  const { env } = runtime;
  const dashboard: RunningDashboard = await startDashboard({
    runtime,
    userAgent: USER_AGENT,
    readOnly,
    version: VERSION,
    openRuntime: async settings => {
      const { config } = await load();
      return openRuntime(config, { env, userAgent: USER_AGENT, uploadSource: 'cli', ...settings });
    },
    loadConfig: () => load().catch(orProblem),
    onSignIn: () => onNextAddress(dashboard.signInAddress()),
  });
  return dashboard;
}

/** A configuration that is wrong is a finding of the doctor. */
function orProblem(error: unknown): AppError {
  if (error instanceof AppError) return error;
  throw error;
}
