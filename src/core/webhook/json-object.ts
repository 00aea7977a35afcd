/** The JSON object in a text; undefined where it is something else. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  // Most answers that are no JSON need no exception to tell.
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
