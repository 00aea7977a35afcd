const [BOOL, INT8, INT2, INT4, FLOAT4, FLOAT8, NUMERIC] = [16, 20, 21, 23, 700, 701, 1700];

/** Numbers are numbers, truth values 1 and 0, and all else is text, as with SQLite. */
export function parserOf(type: number): (text: string) => string | number {
  switch (type) {
    case BOOL:
      return text => Number(text === 't');
    case INT2:
    case INT4:
    case INT8:
    case FLOAT4:
    case FLOAT8:
    case NUMERIC:
      return Number;
    default:
      return text => text;
  }
}
