import type { Endpoint } from './endpoint.ts';

/** Shorter values of a query are ordinary words, such as `v=1` and `json`. */
const SHORTEST_VALUE = 8;

/** What must not be shown of an endpoint: its token, its signing secrets, and the query of its URL. */
export function endpointSecrets({ url, token, secrets }: Pick<Endpoint, 'url' | 'token' | 'secrets'>): string[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const inUrl = parsed
    ? [parsed.password, parsed.search.slice(1), ...parsed.searchParams.keys(), ...parsed.searchParams.values()]
    : [];
  return [token ?? '', ...secrets, ...inUrl.filter(text => text.length >= SHORTEST_VALUE)];
}
