import type { TestEndpointsReport } from '../../../../app/test-endpoints.ts';

/** The result of `webhook test --json`. */
export interface WebhookTestJson {
  works: boolean;
  checks: {
    endpoint: string;
    /** With the token; with a wrong one, without any: then only a 401 is good. */
    kind: 'accepted' | 'wrong-token' | 'no-token';
    ok: boolean;
    verdict: string;
    /** As it was sent, without secrets. */
    request: { method: 'POST'; url: string; headers: Record<string, string>; body: string };
    /** Missing where there was no answer. */
    response?: { status: number; body: string };
    /** Milliseconds; missing phases did not happen. */
    timings: { dns?: number; connect?: number; tls?: number; firstByte?: number; total: number };
  }[];
}

export function webhookTestJson({ works, checks }: TestEndpointsReport): WebhookTestJson {
  return {
    works,
    checks: checks.map(({ endpoint, kind, ok, verdict, request, response, timings }) => {
      const { dns, connect, tls, firstByte, total } = timings;
      return {
        endpoint,
        kind,
        ok,
        verdict,
        request: { method: request.method, url: request.url, headers: request.headers, body: request.body },
        ...(response && { response: { status: response.status, body: response.body } }),
        timings: {
          ...(dns !== undefined && { dns }),
          ...(connect !== undefined && { connect }),
          ...(tls !== undefined && { tls }),
          ...(firstByte !== undefined && { firstByte }),
          total,
        },
      };
    }),
  };
}
