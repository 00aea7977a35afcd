import type { Changes } from '../state.ts';
import type { OpenRemote, Remote } from './remote.ts';

/** How often the machine's own file is asked while nothing can be heard. */
const AWAY_MS = 2_000;

/** What other processes put into the fleet's database, once that is there; its return is news, too. */
export function createChanges(remote: () => Pick<Remote, 'failure'>): Changes & { onBack(remote: OpenRemote): void } {
  const listeners = new Set<() => void>();
  let heard: Changes | undefined;
  const wake = () => {
    for (const listener of listeners) listener();
  };
  const hear = (changes: Changes | undefined) => {
    if (changes && changes !== heard && listeners.size > 0) {
      heard = changes;
      changes.subscribe(wake);
    }
  };
  let open: OpenRemote | undefined;
  return {
    onBack(remote) {
      open = remote;
      hear(remote.state.changes);
      wake();
    },
    subscribe(onWake) {
      listeners.add(onWake);
      hear(open?.state.changes);
      return () => listeners.delete(onWake);
    },
    pauseMs: () => (heard && !remote().failure ? heard.pauseMs() : AWAY_MS),
  };
}
