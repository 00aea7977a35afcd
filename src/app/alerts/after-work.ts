import { AppError } from '../../core/errors.ts';
import type { Runtime } from '../runtime.ts';

/** `upload` is not held up by a chat that does not answer: what is left is sent by the next pass. */
const UPLOAD_WITHIN_MS = 10_000;

/**
 * What comes after everything else: alerts, and after a good pass the heartbeat. What fails in it is a warning, and no
 * failure of the work. Loaded only if somebody gets alerts.
 * @param work `pass`: of `retry` or `watch`; `isGood`: nothing failed in it
 */
export async function afterWork(
  work: { kind: 'upload' } | { kind: 'pass'; isGood: boolean },
  runtime: Runtime,
): Promise<void> {
  const { config, signal, observer } = runtime;
  if (signal.aborted) return;
  try {
    if (config.alerts.length > 0) {
      const { tellAlerts } = await import('./tell-alerts.ts');
      await tellAlerts(runtime, { withinMs: work.kind === 'upload' ? UPLOAD_WITHIN_MS : undefined });
    }
    if (signal.aborted) return;
    if (config.heartbeatUrls.length > 0 && work.kind === 'pass' && work.isGood) {
      const { beat } = await import('./heartbeat.ts');
      await beat(runtime);
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof AppError)) throw error;
    observer({ type: 'warning', message: `alerts: ${error.message}` });
  }
}
