import type { KeyProfile, Keys } from '../keys.ts';

export interface BucketSettings {
  endpoint: string;
  region: string;
  bucket: string;
  credentials: Keys | KeyProfile;
  caFile?: string | undefined;
  /** For proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`. */
  env: NodeJS.ProcessEnv;
  /** Beside the keys, what must not be shown of a response: the password of a proxy may be in it. */
  secrets?: readonly string[] | undefined;
  /** What each object gets: a canned ACL, a storage class, a `Cache-Control` header; undefined: not sent. */
  acl?: string | undefined;
  storageClass?: string | undefined;
  cacheControl?: string | undefined;
  /** How many connections are open at once; no limit unless given. */
  connections?: number | undefined;
  /** This machine's name, for the `User-Agent`. */
  machine?: string | undefined;
  /** How long a request may go without a byte moving; 30 s unless given. */
  stallMs?: number | undefined;
  /** The same for Complete: assembling a large object takes the store a while; 5 minutes unless given. */
  completeStallMs?: number | undefined;
}
