import type { Bucket, BucketMethods } from './bucket.ts';

type Method = keyof BucketMethods;

/** The type demands every method of the port, so that none can be left out of a layer. */
const METHODS = Object.keys({
  head: true,
  put: true,
  get: true,
  delete: true,
  list: true,
  createUpload: true,
  uploadPart: true,
  listParts: true,
  listUploads: true,
  completeUpload: true,
  abortUpload: true,
} satisfies Record<Method, true>) as Method[];

/** All methods of a bucket, made of one function. */
export function bucketMethods(call: (method: Method, args: readonly unknown[]) => Promise<unknown>): BucketMethods {
  const entries = METHODS.map(method => [method, (...args: readonly unknown[]) => call(method, args)]);
  return Object.fromEntries(entries) as BucketMethods;
}

/** Makes a call that came in as its parts. */
export function callMethod(bucket: BucketMethods, method: Method, args: readonly unknown[]): Promise<unknown> {
  return (bucket[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
}

/**
 * Puts a layer around every method of a bucket.
 * @param rules what the layer does with each method
 * @param around makes the call, by the method's rule; `args` are the call's own, the signal last
 */
export function wrapBucket<Rule>(
  bucket: Bucket,
  rules: Readonly<Record<Method, Rule>>,
  around: <T>(rule: Rule, call: () => Promise<T>, args: readonly unknown[]) => Promise<T>,
): Bucket {
  const { name, target } = bucket;
  return {
    name,
    target,
    close: () => bucket.close(),
    ...bucketMethods((method, args) => around(rules[method], () => callMethod(bucket, method, args), args)),
  };
}
