import { printableLine } from '../text.ts';
import { wantsHttps } from '../tls-failure.ts';

/** What a store says in a refusal, beside its status. */
export interface StoreWords {
  /** S3's code (`NoSuchKey`, …); empty where the response has none, as that to a HEAD. */
  code: string;
  /** Its own sentence, one line without secrets; empty where it has none. */
  message: string;
  /** The region that it names. */
  region?: string | undefined;
  /** The address that it names. */
  address?: string | undefined;
}

/** What an operator does about a refusal, by S3's error code. */
const HINTS: Record<string, string> = {
  InvalidAccessKeyId: 'check accessKeyId (AWS_ACCESS_KEY_ID): the store does not know this key, or it has expired',
  SignatureDoesNotMatch:
    'check secretAccessKey (AWS_SECRET_ACCESS_KEY); if it is right, a proxy before the store changes what is signed (nginx needs "proxy_set_header Host $http_host")',
  AccessControlListNotSupported:
    'the bucket accepts no ACLs: leave out acl, and let a bucket policy make the links public',
  InvalidStorageClass: 'the store does not know this storageClass: correct it or leave it out',
  AccessDenied: 'check that the access key may read and write this bucket',
  Unauthorized: 'check accessKeyId and secretAccessKey: the store does not accept them',
  Forbidden: 'check the access key and that it may read and write this bucket',
  NoSuchBucket: 'check bucket and endpoint, or create the bucket',
  PermanentRedirect: 'the bucket is in another region: check endpoint and region',
  AuthorizationHeaderMalformed: 'check region: the store expects another one',
  RequestTimeTooSkewed: "set this machine's clock: it differs from the store's by more than 15 minutes",
  EntityTooLarge: 'the store does not take objects or parts of this size',
  NotImplemented:
    'the store does not know what a setting asks for: leave out acl, storageClass and cacheControl, or the one that it names',
  ObjectLocked:
    'the object is locked by retention: upload the recording under another id (--id), or wait until it ends',
};

const EXPIRED = 'get new keys from the store: these have expired or are switched off';
const SESSION_EXPIRED = 'get new temporary keys: their session token has expired';
const WRONG_SESSION =
  'check sessionToken (AWS_SESSION_TOKEN): it does not belong to this access key; permanent keys have none';
const CLOSED = 'ask whoever runs the store: the account or the bucket is suspended';
const QUOTA = "the bucket's quota is used up: make room in it, or have the quota raised";
const FULL = "the store's disks are full: make room there, or ask whoever runs it";
const ENCRYPTION =
  "the bucket's encryption key cannot be used: enable it in the store's key management (KMS), or let the access key use it";
const NEEDS_MD5 =
  'the bucket locks its objects and wants Content-MD5, which was sent: let no proxy on the way remove that header';

const NAMES_MD5 = /content-?md5[^.]*required|required[^.]*content-?md5|MissingContentMD5/i;

const NAME_TAKEN =
  "an object in the bucket has the name of the recording's folder: remove it, or upload the recording under another id (--id)";

/** The same by the store's sentence, where the code says less: B2, R2 and Wasabi have one code for many things. */
const HINTS_OF_SENTENCES: readonly (readonly [RegExp, string])[] = [
  [/\bcap exceeded\b|\bquota\b.*\bexceed|\bexceed\w*\b.*\bquota\b/i, QUOTA],
  [/\baccess key (?:id )?(?:has length|is malformed)|\bmalformed access key\b/i, HINTS.InvalidAccessKeyId!],
  [
    /\baccount\b.*\b(?:suspended|disabled|deactivated|delinquent|unpaid|past due|expired|not active|inactive)\b/i,
    CLOSED,
  ],
];
const hintOfSentence = (message: string) => HINTS_OF_SENTENCES.find(([sentence]) => sentence.test(message))?.[1];

/** The same for families of codes, of which each kind of server has its own. */
const HINTS_OF_FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^(?:Expired|Invalid)?Token(?:Refresh|Expired|Required)|^ExpiredToken|^RequestExpired/, SESSION_EXPIRED],
  [/^Invalid(?:Client)?Token|^InvalidSecurity(?:Token)?$|^MissingSecurityToken/, WRONG_SESSION],
  [/Expired|Inactive|KeyDisabled/, EXPIRED],
  [/quota/i, QUOTA],
  [/StorageFull|InsufficientStorage|DiskFull|NoSpace|InsufficientCapacity/i, FULL],
  [/kms|EncryptionKey/i, ENCRYPTION],
  [/^MissingContentMD5$/i, NEEDS_MD5],
  [/ParentIsObject|ExistsAsPrefix|ExistsAsDirectory/, NAME_TAKEN],
  [/Region|LocationConstraint/, HINTS.AuthorizationHeaderMalformed!],
  [/Suspended|AccountProblem|NotSignedUp|AllAccessDisabled|AccountDisabled/, CLOSED],
];

const TOO_LARGE =
  'have the limit on the size of requests raised to 64 MB in the proxy before the store (nginx: client_max_body_size 64m)';
const API_ADDRESS = 'check endpoint: it is the address of the S3 API, not of a web console';

/** The same by status, where the code says nothing. */
const STATUS_HINTS: Record<number, string | undefined> = {
  301: HINTS.PermanentRedirect,
  307: HINTS.PermanentRedirect,
  308: HINTS.PermanentRedirect,
  401: HINTS.Unauthorized,
  402: CLOSED,
  403: HINTS.Forbidden,
  407: 'a proxy on the way wants a user name and a password: put them into its address in HTTPS_PROXY or HTTP_PROXY',
  413: TOO_LARGE,
  507: FULL,
};

/** The same for a 400 without a code: a HEAD has none, and a store that expects another region answers so. */
const HINT_400 = 'check region and endpoint: a store that expects another region answers so';
const UNKNOWN = 'the store does not take this request: tell whoever runs it what it answered';

/** What to do about a refusal that stays as it is until somebody acts. */
export function hintFor(status: number, words: StoreWords): string {
  const { code, message } = words;
  if (/\bkms\b/i.test(message) && status < 500) return ENCRYPTION;
  if (NAMES_MD5.test(message)) return NEEDS_MD5;
  const [, most] = /part number must be .*between 1 and (\d+)/i.exec(message) ?? [];
  if (most) return `the store takes at most ${most} parts of an object: this file is too large for it`;
  return (
    moved(status, words) ??
    (status < 500 ? hintOfSentence(message) : undefined) ??
    HINTS[code] ??
    HINTS_OF_FAMILIES.find(([family]) => family.test(code))?.[1] ??
    STATUS_HINTS[status] ??
    (status === 400 && !code ? HINT_400 : UNKNOWN)
  );
}

/**
 * What to do about an answer whose words say that the endpoint is another address than the S3 API's; undefined where they
 * do not.
 * @param address the one that the answer names
 */
export function wrongAddress(words: string, endpoint: string, address?: string | undefined): string | undefined {
  if (wantsHttps(words)) return setEndpoint(endpoint.replace(/^http:/, 'https:'));
  // MinIO's console, to S3 requests: "S3 API Requests must be made to API port."
  if (/\bAPI port\b/i.test(words)) {
    return address ? setEndpoint(address) : `${API_ADDRESS}; MinIO's API has port 9000 unless it was changed`;
  }
  return undefined;
}

const setEndpoint = (address: string) => `set endpoint to ${address} (RECORDUPLOAD_ENDPOINT)`;

/** What to do about a web page in place of an answer. `words`: its title. `address`: where it redirects on the same host. */
export function hintForPage(status: number, words: string, endpoint: string, address?: string | undefined): string {
  if (status === 413) return TOO_LARGE;
  if (status < 400 && address) return setEndpoint(address);
  const blocked =
    'a firewall, a gateway or a login page before the store blocks the request: have this machine allowed there, or ';
  return wrongAddress(words, endpoint) ?? `${[401, 403, 511].includes(status) ? blocked : ''}${API_ADDRESS}`;
}

/** The right region and address, where the store names them. */
function moved(status: number, { code, region, address }: StoreWords): string | undefined {
  const isElsewhere =
    (status >= 301 && status <= 308) ||
    /^(?:AuthorizationHeaderMalformed|.*Redirect|IncorrectEndpoint|.*Region.*|IllegalLocationConstraint.*)$/.test(code);
  const isBare = status === 400 && !code;
  if (!(isElsewhere || isBare) || (!region && !address)) return undefined;
  const settings = [
    ...(region ? [`region to ${region} (RECORDUPLOAD_REGION)`] : []),
    ...(address ? [`endpoint to ${address} (RECORDUPLOAD_ENDPOINT)`] : []),
  ];
  return `the bucket is elsewhere: set ${settings.join(' and ')}`;
}

/** True for a refusal that more bytes cannot cure: the bucket's quota is used up, or the store's disks are full. */
export function isFull(status: number, code: string, message: string): boolean {
  if (status < 500 && hintOfSentence(message) === QUOTA) return true;
  return status === 507 || [QUOTA, FULL].includes(HINTS_OF_FAMILIES.find(([family]) => family.test(code))?.[1] ?? '');
}

const KEYS_AT_FAULT = /^(?:InvalidAccessKeyId|SignatureDoesNotMatch|RequestTimeTooSkewed|KeysRefused|KeysUnavailable)$/;

/** True for a code that says that the keys themselves are wrong or expired, not that they lack a right. */
export function blamesKeys(code: string): boolean {
  const hint = HINTS_OF_FAMILIES.find(([family]) => family.test(code))?.[1];
  return KEYS_AT_FAULT.test(code) || [SESSION_EXPIRED, WRONG_SESSION, EXPIRED, CLOSED].includes(hint ?? '');
}

/** True where a bucket with Object Lock wants the content's MD5 with each upload. */
export function wantsContentMd5({ status, message }: { status: number | undefined; message: string }): boolean {
  return status === 400 && NAMES_MD5.test(message);
}

/** `Access Denied.` behind `AccessDenied`. */
function saysNoMore(message: string, code: string): boolean {
  const words = message.replace(/[^a-z]/gi, '').toLowerCase();
  return words === code.toLowerCase() || STANDARD_SENTENCES[code] === words;
}

const STANDARD_SENTENCES: Record<string, string> = { NoSuchBucket: 'thespecifiedbucketdoesnotexist' };

/** `400 AuthorizationHeaderMalformed (the region 'x' is wrong)`: what the store answered, as a user reads it. */
export function answeredWith(answered: string, status: number, words: StoreWords): string {
  const { message, code, region, address } = words;
  const isElsewhere = moved(status, words) !== undefined;
  const more = [
    ...(message && !saysNoMore(message, code) ? [message] : []),
    ...(isElsewhere && region && !message.includes(region) ? [`region ${region}`] : []),
    ...(isElsewhere && address && !message.includes(address) ? [`address ${address}`] : []),
  ];
  return more.length > 0 ? `${answered} (${more.map(printableLine).join('; ')})` : answered;
}
