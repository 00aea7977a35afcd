import { AppError } from '../../core/errors.ts';

/** What a look at one thing came to. `fix`: what to do about it, without a full stop. */
export interface Finding {
  /** `bucket`, `clock of s3.example.com`, … */
  name: string;
  status: 'ok' | 'warning' | 'failure';
  detail: string;
  fix?: string | undefined;
  /** Further lines, for those who want to know. */
  more?: readonly string[] | undefined;
}

/** Whose failure it would be; decides the exit status. */
export type Area = 'setup' | 'state' | 'storage' | 'webhook';

/** One thing to look at. Its findings are told in order; what it throws becomes its last one. */
export interface Check {
  name: string;
  area: Area;
  run(signal: AbortSignal): Promise<Finding[]> | Finding[];
}

export interface CheckResult extends Finding {
  area: Area;
}

/** No check takes longer. */
const CHECK_TIMEOUT_MS = 10_000;

/**
 * Runs all checks at the same time, each for at most 10 s.
 * @param onResults told of each check's findings, in the checks' order, as soon as those before it are told
 * @throws the signal's reason where it aborts, once every check has ended
 */
export async function runChecks(
  checks: readonly Check[],
  { signal, timeoutMs = CHECK_TIMEOUT_MS }: { signal: AbortSignal; timeoutMs?: number },
  onResults: (results: CheckResult[]) => void = () => {},
): Promise<CheckResult[]> {
  const running = checks.map(check => runOne(check, signal, timeoutMs));
  const all: CheckResult[] = [];
  for (const one of running) {
    const results = await one;
    if (!signal.aborted) onResults(results);
    all.push(...results);
  }
  signal.throwIfAborted();
  return all;
}

async function runOne(check: Check, signal: AbortSignal, timeoutMs: number): Promise<CheckResult[]> {
  const { name, area } = check;
  const timeout = new AbortController();
  const failure = (detail: string, fix?: string): Finding => ({ name, status: 'failure', detail, fix });
  let timer: NodeJS.Timeout | undefined;
  // For what does not listen to its signal.
  const late = new Promise<Finding[]>(resolve => {
    timer = setTimeout(() => {
      timeout.abort(new Error('timeout'));
      resolve([failure(`no answer in ${timeoutMs / 1000} s`, 'check the network, the proxy and the address')]);
    }, timeoutMs);
  });
  try {
    const work = Promise.resolve().then(() => check.run(AbortSignal.any([signal, timeout.signal])));
    work.catch(() => {});
    const findings = await Promise.race([work, late]);
    return findings.map(finding => ({ ...finding, area }));
  } catch (error) {
    const known = error instanceof AppError;
    const finding = failure(
      known || error instanceof Error ? error.message : String(error),
      known ? error.hint : undefined,
    );
    return [{ ...finding, area }];
  } finally {
    clearTimeout(timer);
  }
}
