/** `webhook.url`, `x` → `{webhook: {url: 'x'}}`. */
export function nest(path: string, value: unknown): unknown {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
}

/** The value at a path of own properties; undefined where there is none. */
export function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Record<PropertyKey, unknown>)[name]
        : undefined,
    data,
  );
}

/** Removes nulls from the data: `user:` without a value counts as not written. */
export function withoutNulls(data: unknown, depth = 5): unknown {
  if (typeof data !== 'object' || data === null || depth === 0) return data;
  if (Array.isArray(data)) return data.map(item => withoutNulls(item, depth - 1));
  const kept = Object.entries(data).filter(([, value]) => value !== null && value !== undefined);
  // An assignment to `__proto__` would not create a key; it must stay one, to be refused as unknown.
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutNulls(value, depth - 1)]));
}
