import { afterEach, beforeEach } from '@jest/globals';
import type { State } from '../../../src/state/state.ts';
import type { CrashStep } from './crash-steps.ts';
import { PID } from './facts.ts';

/** Where an implementation keeps one state. */
export interface Place {
  /** Opens it as a process with that pid would; several of them stand for several processes. */
  open(pid: number): Promise<State>;
  /** Another process opens it, does this step, and is killed. */
  crash?(step: CrashStep): Promise<void>;
  remove(): Promise<void>;
}

/** A place for each test, and the first process on it. */
export interface Stage {
  readonly state: State;
  /** One more process; closed after the test. */
  open(pid: number): Promise<State>;
  crash(step: CrashStep): Promise<void>;
}

/** Makes a place before each test and removes it afterwards. */
export function useStage(makePlace: () => Promise<Place>): Stage {
  let place: Place;
  let opened: State[] = [];
  const open = async (pid: number) => {
    const state = await place.open(pid);
    opened.push(state);
    return state;
  };
  beforeEach(async () => {
    place = await makePlace();
    opened = [];
    await open(PID);
  });
  afterEach(async () => {
    for (const state of opened) await state.close();
    await place.remove();
  });
  return {
    get state() {
      return opened[0]!;
    },
    open,
    async crash(step) {
      if (!place.crash) throw new Error('no other process can open this state');
      await place.crash(step);
    },
  };
}
