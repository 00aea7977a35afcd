import type { Element } from './s3-xml.ts';

/** A list of S3's goes on where its last page says so; this is more of it than any bucket's work has. */
const MAX_PAGES = 10_000;

/**
 * The pages of a list.
 * @param markers the query's parameters that say where a page begins, by the elements of the page before that tell them;
 * one without the first of them is the last
 * @param ask asks for one page
 * @param endless makes the error for a list that begins again, or has no end
 */
export async function* listPages(
  markers: Readonly<Record<string, string>>,
  ask: (query: Record<string, string>) => Promise<Element>,
  endless: () => Error,
): AsyncGenerator<Element> {
  const begun = new Set<string>();
  let query: Record<string, string> = {};
  for (;;) {
    const page = await ask(query);
    yield page;
    const next = Object.entries(markers).map(([element, parameter]) => [parameter, page.text(element)] as const);
    if (page.text('IsTruncated') !== 'true' || !next[0]?.[1]) return;
    query = Object.fromEntries(next.filter(([, value]) => value !== ''));
    const start = JSON.stringify(query);
    if (begun.has(start) || begun.size === MAX_PAGES) throw endless();
    begun.add(start);
  }
}
