/** What only damage can put into a column: values of another kind, times beyond all calendars, JSON that is none. */

/** The last moment that a date can have, in milliseconds since 1970; nothing that the state counts is larger. */
const MOST = 8_640_000_000_000_000;

/** Words that a column may have; the first one takes the place of any other, because it asks for somebody's attention. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'recordings.state': ['partial', 'uploading', 'recording', 'done'],
  'deliveries.state': ['held', 'pending', 'delivered', 'superseded', 'discarded'],
  'queue.state': ['refused', 'waiting'],
  'files.state': ['pending', 'uploaded'],
};

/** JSON that the state's readers take apart, with what takes the place of damaged one. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  'recordings.details': JSON.stringify({ title: '(cannot be read)', durationSeconds: 0, user: {} }),
  'queue.asked': '{}',
  'totals.labels': '[]',
};

/** The document that has a title. */
const TITLED = 'recordings.details';

interface Place {
  table: string;
  name: string;
  type: string;
  isRequired: boolean;
}

/** A value as its column may have it, and whether it is the one that was read. */
export function soundValue(value: unknown, place: Place): { value: unknown; isSound: boolean } {
  const name = `${place.table}.${place.name}`;
  const plain = typeof value === 'bigint' ? inRange(value) : value;
  if (plain === null && !place.isRequired) return { value: null, isSound: true };
  if (isSound(plain, name, place.type)) return { value: plain, isSound: true };
  return { value: place.isRequired ? instead(name, place.type) : null, isSound: false };
}

function inRange(value: bigint): number | undefined {
  return value <= MOST && value >= -MOST ? Number(value) : undefined;
}

function isSound(value: unknown, name: string, type: string): boolean {
  if (type === 'REAL') return typeof value === 'number';
  if (type === 'INTEGER') return Number.isInteger(value);
  if (typeof value !== 'string') return false;
  if (name in DOCUMENTS) return isDocument(value, name);
  return WORDS[name]?.includes(value) ?? true;
}

function isDocument(text: string, name: string): boolean {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    if (typeof value !== 'object' || value === null) return false;
    return name !== TITLED || typeof value.title === 'string';
  } catch {
    return false;
  }
}

/** A recording that was created at 0 has not begun: 1 is not that. */
function instead(name: string, type: string): string | number {
  if (type === 'TEXT') return DOCUMENTS[name] ?? WORDS[name]?.[0] ?? '';
  return 1;
}

/**
 * SQL for what `isSound` says.
 * @returns a condition that holds for rows with such values
 */
export function unsoundCondition(table: string, columns: readonly { name: string; type: string }[]): string {
  return columns
    .map(({ name, type }) => {
      const column = `"${name}"`;
      const [full, words] = [`${table}.${name}`, WORDS[`${table}.${name}`]];
      if (type === 'REAL') return `typeof(${column}) NOT IN ('real', 'integer', 'null')`;
      if (type === 'INTEGER')
        return `typeof(${column}) NOT IN ('integer', 'null') OR ${column} NOT BETWEEN -${MOST} AND ${MOST}`;
      const isText = `typeof(${column}) NOT IN ('text', 'null')`;
      if (words) return `${column} NOT IN (${words.map(word => `'${word}'`).join(', ')})`;
      if (!(full in DOCUMENTS)) return isText;
      const hasTitle = full === TITLED ? ` OR json_type(${column}, '$.title') IS NOT 'text'` : '';
      return `${isText} OR NOT json_valid(${column})${hasTitle}`;
    })
    .join(' OR ');
}
