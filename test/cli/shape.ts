/** The form of a JSON value: its keys and the types of its values; of an array, the different forms of its items. */
export type Shape = string | Shape[] | { [key: string]: Shape };

/** Works out the form of a JSON value. Keys keep their order, so that a document that is rearranged is noticed, too. */
export function shapeOf(value: unknown): Shape {
  if (value === null) return 'null';
  if (Array.isArray(value)) {
    const shapes = new Map(value.map(item => [JSON.stringify(shapeOf(item)), shapeOf(item)]));
    return [...shapes.values()];
  }
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]));
}
