import { EVENT_ID, getScalarValue, parseEvents } from 'js-yaml';

interface Frame {
  prefix: string;
  /** A mapping's key that waits for its value; undefined while the next scalar is a key. */
  pendingKey?: string | undefined;
  /** The next index of a sequence; undefined in a mapping. */
  index?: number | undefined;
}

/**
 * The line (from 1) of each value in a YAML or JSON text, by path (`webhook.url`, `webhooks.0.token`). Almost
 * all JSON is YAML. If the text cannot be parsed, the map is empty: messages then name no line.
 */
export function lineNumbers(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const lineAt = (offset: number) => starts.findLastIndex(start => start <= offset) + 1;
  const frames: Frame[] = [];
  let keyLine = 0;

  /** The path of the value that begins here; undefined at the top. */
  const begin = (offset: number): string => {
    const frame = frames.at(-1);
    if (!frame) return '';
    const name = frame.index !== undefined ? String(frame.index++) : (frame.pendingKey ?? '');
    const path = frame.prefix === '' ? name : `${frame.prefix}.${name}`;
    lines.set(path, frame.index !== undefined ? lineAt(offset) : keyLine);
    frame.pendingKey = undefined;
    return path;
  };

  try {
    for (const event of parseEvents(text, {})) {
      const frame = frames.at(-1);
      if (event.type === EVENT_ID.MAPPING) frames.push({ prefix: begin(event.start) });
      else if (event.type === EVENT_ID.SEQUENCE) frames.push({ prefix: begin(event.start), index: 0 });
      else if (event.type === EVENT_ID.POP) frames.pop();
      else if (event.type === EVENT_ID.SCALAR && frame && frame.index === undefined && frame.pendingKey === undefined) {
        frame.pendingKey = getScalarValue(text, event);
        keyLine = lineAt(Math.max(0, event.valueStart));
      } else if (event.type === EVENT_ID.SCALAR) begin(event.valueStart);
      else if (event.type === EVENT_ID.ALIAS) begin(event.anchorStart);
    }
  } catch {
    return new Map();
  }
  return lines;
}
