/**
 * A date and time as a form's field has it, in a time zone.
 * @param text `2026-01-31` (its beginning) or `2026-01-31T14:00`
 * @param zone an IANA name, such as the browser has sent; any other text counts as this machine's zone
 * @returns milliseconds since 1970; undefined if it is no time
 */
export function momentIn(text: string, zone: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?))?$/.exec(text);
  if (!match) return undefined;
  const [, date, time = '00:00'] = match;
  const known = isZone(zone);
  const asUtc = Date.parse(`${date}T${time}${known ? 'Z' : ''}`);
  if (Number.isNaN(asUtc)) return undefined;
  if (!known) return asUtc;
  // Twice: the first guess may be on the other side of a change of the clocks.
  const guess = asUtc - offsetAt(asUtc, zone);
  return asUtc - offsetAt(guess, zone);
}

function isZone(zone: string): boolean {
  try {
    return zone !== '' && Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
  } catch {
    return false;
  }
}

/** How far a zone's clocks are ahead of UTC at a moment, in milliseconds. */
function offsetAt(ms: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(ms);
  return Date.parse(`${parts.replace(' ', 'T')}Z`) - Math.floor(ms / 1000) * 1000;
}
