/** A part of the worker that begins by itself what is due. */
export interface Pump {
  /** Begins what is due. @returns how long nothing will be, in milliseconds */
  pump(): Promise<number>;
  /** Resolves once what is under way has ended. */
  idle(): Promise<void>;
}

/** Something that runs once at a time. */
export interface Run {
  readonly isRunning: boolean;
  begin(work: Promise<void>): void;
  /** Resolves once it has ended. */
  idle(): Promise<void>;
}

/** @param onEnd called when one has ended, however that was */
export function createRun(onEnd: () => void): Run {
  let running: Promise<void> | undefined;
  return {
    get isRunning() {
      return running !== undefined;
    },
    begin(work) {
      running = work.finally(() => {
        running = undefined;
        onEnd();
      });
    },
    idle: async () => {
      await running;
    },
  };
}
