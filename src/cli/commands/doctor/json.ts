import type { CheckResult } from '../../../app/doctor/check.ts';

/** The result of `doctor --json`. */
export interface DoctorJson {
  healthy: boolean;
  checks: {
    name: string;
    area: 'setup' | 'state' | 'storage' | 'webhook';
    status: 'ok' | 'warning' | 'failure';
    detail: string;
    /** What to do about it. */
    mend?: string;
    more?: readonly string[];
  }[];
}

export function doctorJson(results: readonly CheckResult[]): DoctorJson {
  return {
    healthy: results.every(one => one.status !== 'failure'),
    checks: results.map(({ name, area, status, detail, fix, more }) => ({
      name,
      area,
      status,
      detail,
      ...(fix && { mend: fix }),
      ...(more && { more }),
    })),
  };
}
