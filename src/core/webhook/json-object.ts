/** Parses a JSON object; returns undefined if the text is anything else. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  // Spares most texts that are not JSON the cost of an exception.
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
