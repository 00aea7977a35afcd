import { openRuntime, type Runtime } from '../app/runtime.ts';
import type { Config } from '../config/config.ts';
import type { CoreEvent } from '../core/events.ts';

/** Options of every call. Every call can throw an `AppError` `STATE` or `CONFIG`, and the signal's reason. */
export interface CallOptions {
  /** From `loadConfig`, or made by hand. */
  config: Config;
  /** Ends the work. What is done is kept, and the same call continues it. */
  signal?: AbortSignal | undefined;
  /** Gets what happens while it happens. Must not throw. */
  onEvent?: ((event: CoreEvent) => void) | undefined;
}

/** Opens what a call works with; the caller disposes of it. */
export function open({ config, signal, onEvent }: CallOptions): Runtime {
  return openRuntime(config, {
    env: process.env,
    userAgent: 'recordupload-library',
    uploadSource: 'library',
    signal,
    observer: onEvent,
  });
}
