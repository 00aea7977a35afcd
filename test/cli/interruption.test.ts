import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { onInterruption } from '../../src/cli/interruption.ts';
import { InterruptedError } from '../../src/core/errors.ts';

/** What a command listens to on a system, and how to send it. */
function listening(spec: { keepsHangUp?: boolean }, platform: NodeJS.Platform) {
  const signals = new Map<string, () => void>();
  const aborted = onInterruption(spec, platform, (name, onSignal) => signals.set(name, onSignal));
  return { names: [...signals.keys()].sort(), send: (name: string) => signals.get(name)?.(), aborted };
}

// What stops a command also sets the timer that ends its process, which is Jest's own here.
beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('what stops a command', () => {
  test('Ctrl-C, SIGTERM and a terminal that hangs up; the worker reads its configuration again on SIGHUP', () => {
    expect(listening({}, 'linux').names).toEqual(['SIGHUP', 'SIGINT', 'SIGTERM']);
    expect(listening({ keepsHangUp: true }, 'darwin').names).toEqual(['SIGINT', 'SIGTERM']);
  });

  test('on Windows a window that closes stops the worker, too, and so does Ctrl-Break', () => {
    for (const spec of [{}, { keepsHangUp: true }]) {
      const { names, send, aborted } = listening(spec, 'win32');
      expect(names).toEqual(['SIGBREAK', 'SIGHUP', 'SIGINT', 'SIGTERM']);
      send('SIGBREAK');
      expect(aborted.aborted && aborted.reason).toBeInstanceOf(InterruptedError);
    }
  });
});
