// What an upload session is made of, in one chunk of its own: commands that upload nothing do not load it.
export { openBucket } from '../core/storage/bucket.ts';
export { createHasher } from '../core/storage/hasher.ts';
export { createInFlight } from '../core/storage/in-flight.ts';
export { createPersistence } from '../core/storage/persistence.ts';
export { createThrottle, parseBandwidth, unlimited } from '../core/storage/throttle.ts';
