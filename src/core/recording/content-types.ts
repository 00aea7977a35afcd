/**
 * The content type of each extension. A fixed table, so that it does not depend on the machine. HTML and SVG are left out on
 * purpose: served from a public bucket, they would run scripts on its host.
 */
const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['mkv', 'video/x-matroska'],
  ['mp4', 'video/mp4'],
  ['m4v', 'video/mp4'],
  ['webm', 'video/webm'],
  ['mov', 'video/quicktime'],
  ['avi', 'video/x-msvideo'],
  ['mpg', 'video/mpeg'],
  ['mpeg', 'video/mpeg'],
  ['ts', 'video/mp2t'],
  ['ogv', 'video/ogg'],
  ['wmv', 'video/x-ms-wmv'],
  ['flv', 'video/x-flv'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['png', 'image/png'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
  ['txt', 'text/plain'],
  ['log', 'text/plain'],
  ['md', 'text/markdown'],
  ['csv', 'text/csv'],
  ['vtt', 'text/vtt'],
  ['srt', 'application/x-subrip'],
  ['json', 'application/json'],
  ['pdf', 'application/pdf'],
  ['zip', 'application/zip'],
  ['m4a', 'audio/mp4'],
  ['mp3', 'audio/mpeg'],
  ['ogg', 'audio/ogg'],
  ['opus', 'audio/ogg'],
  ['wav', 'audio/wav'],
  ['flac', 'audio/flac'],
]);

/** The `Content-Type` that a file of this name gets in the bucket; for a text, `withCharset` looks into the file, too. */
export function contentTypeOf(name: string): string {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return CONTENT_TYPES.get(extension) ?? 'application/octet-stream';
}

/**
 * The content type of a text with the charset of its bytes, or with none if they do not say which it is; other content
 * types unchanged.
 * @param charset called for a text alone
 */
export function withCharset(contentType: string, charset: () => string | undefined): string {
  if (!contentType.startsWith('text/')) return contentType;
  const found = charset();
  return found === undefined ? contentType : `${contentType}; charset=${found}`;
}
