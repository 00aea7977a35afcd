import { AppError } from '../../core/errors.ts';

/** The result of looking at one thing. */
export interface Finding {
  /** `bucket`, `clock of s3.example.com`, … */
  name: string;
  status: 'ok' | 'warning' | 'failure';
  detail: string;
  /** What to do about it, without a full stop. */
  fix?: string | undefined;
  /** Details that are not needed to understand the result. */
  more?: readonly string[] | undefined;
}

/** What a failure concerns; decides the exit status. */
export type Area = 'setup' | 'state' | 'storage' | 'webhook';

/** One thing to check. What it throws becomes its last finding. */
export interface Check {
  name: string;
  area: Area;
  run(signal: AbortSignal): Promise<Finding[]> | Finding[];
}

export interface CheckResult extends Finding {
  area: Area;
}

/** No check may take longer. */
const CHECK_TIMEOUT_MS = 10_000;

/**
 * Runs all checks at the same time, each for at most 10 s.
 * @param onResults gets the findings of each check, in the order of the checks, as soon as they are there
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
  // Some checks do not listen to their signal.
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
