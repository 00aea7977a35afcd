import type { Bucket, BucketMethods } from './bucket.ts';

/**
 * Puts a layer around every method of a bucket.
 * @param rules what the layer does with each method. The type demands one for every method of the port, so that a new
 * method cannot be left out.
 * @param around makes the call, by the method's rule; `args` are the call's own, the signal last
 */
export function wrapBucket<Rule>(
  bucket: Bucket,
  rules: Readonly<Record<keyof BucketMethods, Rule>>,
  around: <T>(rule: Rule, call: () => Promise<T>, args: readonly unknown[]) => Promise<T>,
): Bucket {
  const methods = Object.keys(rules) as (keyof BucketMethods)[];
  const wrapped = methods.map(name => {
    const method = bucket[name] as (...args: unknown[]) => Promise<unknown>;
    return [name, (...args: unknown[]) => around(rules[name], () => method(...args), args)] as const;
  });
  const { name, target } = bucket;
  return { name, target, close: () => bucket.close(), ...(Object.fromEntries(wrapped) as unknown as BucketMethods) };
}
