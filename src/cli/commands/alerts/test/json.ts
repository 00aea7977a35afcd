import type { AlertTest } from '../../../../app/alerts/test-alerts.ts';

/** The result of `alerts test --json`. */
export interface AlertsTestJson {
  alerts: {
    /** The host of a URL, or the first word of a command. */
    to: string;
    ok: boolean;
    /** Why it could not be sent; missing if it was. */
    detail?: string;
  }[];
}

export function alertsTestJson(tests: readonly AlertTest[]): AlertsTestJson {
  return { alerts: tests.map(({ to, ok, detail }) => ({ to, ok, ...(detail !== undefined && { detail }) })) };
}
