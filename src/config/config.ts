import type { AlertEvent } from '../core/alerts/cause.ts';
import type { KeyProfile, Keys } from '../core/storage/keys.ts';
import type { RateChange } from '../core/units.ts';
import type { Endpoint } from '../core/webhook/endpoint.ts';
import type { ListenAddress } from './listen.ts';

/** Everything the commands need to know, validated, with all defaults filled in. */
export interface Config {
  /** Base URL of the S3 service, without a trailing slash. */
  endpoint: string;
  region: string;
  bucket: string;
  /** What the public URLs in the payload begin with, without a trailing slash. */
  publicBaseUrl: string;
  /**
   * The keys for the bucket, or the AWS profile that gets them. Undefined if none are configured; commands that need them
   * say so.
   */
  credentials: Keys | KeyProfile | undefined;
  /** Why the keys that are configured cannot be used (half a pair, an unknown AWS profile); reported when a command needs them. */
  credentialsProblem?: string | undefined;
  user: { name?: string | undefined; email?: string | undefined };
  /** Where webhooks go, in configured order; names are unique. */
  webhooks: Endpoint[];
  /** Absolute path. */
  stateDir: string;
  /** Absolute path. */
  logFile: string;
  /** URL of the PostgreSQL database that keeps the state of a fleet; undefined: it is kept in `stateDir`. Secret. */
  stateUrl: string | undefined;
  /** This machine's name: in a fleet, its folders and uploads are this machine's. */
  machine: string;
  /** The machine's name is configured; undefined: it is the host's. */
  isMachineNamed: true | undefined;
  /** A folder's path is the same folder on every machine of the fleet: another one goes on with what a dead one left. */
  sharedFolders: boolean;
  /** The canned ACL of each object (`public-read`); undefined: none is sent, and the bucket's own rules apply. */
  acl: string | undefined;
  /** The storage class of each object; undefined: the store's default. */
  storageClass: string | undefined;
  /** The `Cache-Control` header that the store gives back with each object. */
  cacheControl: string | undefined;
  /** The payload's `upload_source`; undefined: the command line sends `cli`, the library `library`. */
  uploadSource: string | undefined;
  /** Globs of further files in the folder that are uploaded. */
  extraFiles: string[];
  /** What an ID that comes from a folder's name or sidecar begins with; undefined: it is as it is. */
  idPrefix: string | undefined;
  allowInsecure: boolean;
  /** Number of parallel requests to the store; undefined: adjusted while uploading. */
  concurrency: number | undefined;
  /** Bandwidth limit for all uploads together, by time of day; undefined: no limit. */
  bwlimit: RateChange[] | undefined;
  /** How long an upload keeps retrying without any progress, in milliseconds. */
  uploadRetryBudgetMs: number;
  /** How long a recording's files must not have been written to before it is uploaded, in milliseconds. */
  settleMs: number;
  /** What `watch` does. */
  watch: {
    /** Folders below which recordings are found; absolute paths. */
    roots: string[];
    /** A name or glob: a file with such a name in a recording's folder says that it is finished. */
    marker: string | undefined;
    /** How long nobody must have changed a recording that nothing else says is finished, in milliseconds. */
    quietMs: number;
    /** Bandwidth limit for what is still being recorded; undefined: no limit; `none`: it is not uploaded before its end. */
    liveBandwidth: RateChange[] | 'none' | undefined;
  };
  /** What `dashboard` serves, and to whom. */
  dashboard: {
    listen: ListenAddress;
    /** The address under which a proxy offers it, without a trailing slash. */
    url: string | undefined;
    /** What people sign in with, beside the one-time token; undefined: there is none. */
    token: string | undefined;
    /** PEM files, absolute paths. */
    tls: { certFile: string; keyFile: string } | undefined;
    /** Addresses or ranges (CIDR) of proxies that do the TLS and say who asks. */
    trustedProxies: string[];
    /** What is wrong with the token or the files; the dashboard says so. */
    problem: string | undefined;
  };
  /** Who gets alerts. */
  alerts: AlertReceiver[];
  /** Called after each pass of `retry` or `watch` that went well. Secret. */
  heartbeatUrls: string[];
  /**
   * How long after its upload a recording's local files are removed, in milliseconds, once the bucket and every endpoint
   * have it; undefined: never.
   */
  deleteAfterMs: number | undefined;
  /** Number of parallel requests to one webhook endpoint. */
  webhookConcurrency: number;
  /** PEM file with further certificate authorities; absolute path. */
  caFile: string | undefined;
}

/** Who gets alerts: a chat or service by its URL, or a command of this machine. */
export interface AlertReceiver {
  /** Secret: whoever knows the URL can write to the channel. */
  to: { url: string } | { command: string };
  on: readonly AlertEvent[];
  /** How long work must have been unfinished to count as stuck, in milliseconds. */
  stuckAfterMs: number;
}
