const WHITE_SPACE = /[ \t\n\r]*/y;
const STRING_BODY = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
const ATOM = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/**
 * Where a text stops being JSON (RFC 8259), as `line 2, column 7`; undefined where it is JSON. `JSON.parse` names the
 * place in some of its messages only, and quotes the text around it in the others: that may be a recorder's token.
 */
export function findJsonFlaw(text: string): string | undefined {
  const flaw = flawOffset(text);
  if (flaw === undefined) return undefined;
  const lines = text.slice(0, flaw).split(/\r\n|\r|\n/);
  return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
}

/** A loop with a stack of its own: a megabyte of `[` must not overflow the call stack. */
function flawOffset(text: string): number | undefined {
  const closers: ('}' | ']')[] = [];
  let offset = 0;
  let expect: 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma' = 'value';
  const skip = (pattern: RegExp) => {
    pattern.lastIndex = offset;
    if (!pattern.test(text)) return false;
    offset = pattern.lastIndex;
    return true;
  };
  const string = () => {
    if (!skip(STRING_BODY) || text[offset] !== '"') return false;
    offset++;
    return true;
  };
  for (;;) {
    skip(WHITE_SPACE);
    const character = text[offset];
    if (expect === 'comma' && closers.length === 0) return character === undefined ? undefined : offset;
    const closes = expect === 'comma' || expect === 'value or ]' || expect === 'key or }';
    if (closes && character !== undefined && character === closers.at(-1)) {
      closers.pop();
      offset++;
      expect = 'comma';
    } else if (expect === 'comma') {
      if (character !== ',') return offset;
      offset++;
      expect = closers.at(-1) === '}' ? 'key' : 'value';
    } else if (expect === 'colon') {
      if (character !== ':') return offset;
      offset++;
      expect = 'value';
    } else if (expect === 'key' || expect === 'key or }') {
      if (!string()) return offset;
      expect = 'colon';
    } else if (character === '{' || character === '[') {
      closers.push(character === '{' ? '}' : ']');
      offset++;
      expect = character === '{' ? 'key or }' : 'value or ]';
    } else if (character === '"' ? string() : skip(ATOM)) {
      expect = 'comma';
    } else {
      return offset;
    }
  }
}
