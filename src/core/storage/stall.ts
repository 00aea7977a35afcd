/** How long a request may go without a byte moving. */
export const STALL_MS = 30_000;

/** The watch over one request. */
export interface StallWatch {
  abortSignal: AbortSignal;
  abort(reason: unknown): void;
  /** A byte moved. */
  moved(): void;
  stop(): void;
}

/** A request whose signal aborts when nothing moves for `stallMs`, or when `outer` aborts. Call `stop` at its end. */
export function watchForStall(outer: AbortSignal, stallMs: number = STALL_MS): StallWatch {
  const controller = new AbortController();
  const abort = (reason: unknown) => controller.abort(reason);
  const onOuter = () => abort(outer.reason);
  const timer = setTimeout(() => abort(new Stalled()), stallMs);
  if (outer.aborted) onOuter();
  else outer.addEventListener('abort', onOuter, { once: true });
  return {
    abortSignal: controller.signal,
    abort,
    moved: () => {
      timer.refresh();
    },
    stop() {
      clearTimeout(timer);
      outer.removeEventListener('abort', onOuter);
    },
  };
}

class Stalled extends Error {
  readonly code = 'Stalled';
}
