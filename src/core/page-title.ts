/** The title of a web page, or else its first heading, without markup; undefined if it has neither. */
export function titleOf(html: string): string | undefined {
  const [, title] = /<title[^>]*>([^<]*)/i.exec(html) ?? /<h1[^>]*>(?:<[^>]*>)*([^<]*)/i.exec(html) ?? [];
  return title;
}
