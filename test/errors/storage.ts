import { execFileSync } from 'node:child_process';
import { rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { shareOpenFiles } from '../../src/app/descriptors.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { AppError } from '../../src/core/errors.ts';
import { statFile } from '../../src/core/recording/file-identity.ts';
import { networkFailure } from '../../src/core/storage/failure.ts';
import { readMetadataObject, readObject } from '../../src/core/storage/read-object.ts';
import { openSource } from '../../src/core/upload/source-file.ts';
import { verifyObject } from '../../src/core/upload/verify-object.ts';
import type { FaultAction } from '../../src/sandbox/faults/faults.ts';
import { openDesk } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';
import type { Made, Meeting } from './meeting.ts';

const exit = EXIT.incomplete;

/** Reading metadata.json for a webhook; what may pass is tried again for a moment only. */
const refused = (status: number, code: string, hint: string | undefined): Meeting => ({
  says: `reading fyemeet/999/metadata.json: the store answered ${status} ${code} (This answer was asked for by a fault rule.)`,
  hint,
  exit,
  env: { RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1ms' },
  meet: (_desk, { faults }) => {
    const times = Number.POSITIVE_INFINITY;
    faults.add({ server: 's3', operation: 'GetObject', times, action: { answer: { status, code } } });
    return ['webhook', 'send', '999'];
  },
});
const QUOTA = "the bucket's quota is used up: make room in it, or have the quota raised";
const FULL = "the store's disks are full: make room there, or ask whoever runs it";
const WRONG_SESSION =
  'check sessionToken (AWS_SESSION_TOKEN): it does not belong to this access key; permanent keys have none';
const EXPIRED = 'get new keys from the store: these have expired or are switched off';
const UNKNOWN_KEY = 'check accessKeyId (AWS_ACCESS_KEY_ID): the store does not know this key, or it has expired';
const CLOSED = 'ask whoever runs the store: the account or the bucket is suspended';
const ENCRYPTION =
  "the bucket's encryption key cannot be used: enable it in the store's key management (KMS), or let the access key use it";
const NEEDS_MD5 =
  'the bucket locks its objects and wants Content-MD5, which was sent: let no proxy on the way remove that header';
const API_ADDRESS = 'check endpoint: it is the address of the S3 API, not of a web console';
const TOO_LARGE =
  'have the limit on the size of requests raised to 64 MB in the proxy before the store (nginx: client_max_body_size 64m)';
const REGION = 'the bucket is elsewhere: set region to eu-1 (RECORDUPLOAD_REGION)';
/** The store names where the bucket is. */
const moved = (answer: NonNullable<FaultAction['answer']>, says: string, hint: string): Meeting => ({
  says: `reading fyemeet/999/metadata.json: the store answered ${says}`,
  hint,
  exit,
  meet: (_desk, { faults }) => {
    faults.add({ server: 's3', operation: 'GetObject', times: Number.POSITIVE_INFINITY, action: { answer } });
    return ['webhook', 'send', '999'];
  },
});
const stranger = (saw: string, operation: string, action: FaultAction, videoBytes?: number): Meeting => ({
  says: `…: http://127.0.0.1:… does not answer as an S3 service (${saw})`,
  hint: 'check endpoint: it is the address of the S3 API, not of a web console',
  exit,
  meet: (_desk, { faults }) => {
    faults.add({ server: 's3', operation, times: Number.POSITIVE_INFINITY, action });
    return ['upload', makeRecording(videoBytes === undefined ? {} : { videoBytes })];
  },
});
const webPage = (status: number, body: string, server?: string): FaultAction => ({
  answer: { status, headers: { 'content-type': 'text/html', ...(server && { server }) }, body },
});
/** The port is another one than that of the S3 API, and says so. */
const wrongPort = (body: string, hint: string): Meeting => ({
  ...moved({ status: 400, body }, `400 (${body})`, hint),
});
const unreachable = (code: string, words: string, message = code): Made => ({
  says: `uploading 3/video.mkv: cannot reach https://s3.example.com (${words})`,
  hint: 'check endpoint and the network',
  exit,
  make: () => networkFailure(failed(code, message), 'uploading 3/video.mkv', 'https://s3.example.com'),
});
const badCertificate = (code: string, hint: string): Made => ({
  ...unreachable(code, ''),
  says: `uploading 3/video.mkv: the TLS certificate of https://s3.example.com is not accepted (${code})`,
  hint,
});
interface Dripping {
  stream: AsyncIterable<Uint8Array>;
}
async function* drip(): AsyncGenerator<Uint8Array> {
  for (;;) {
    await setTimeout(1);
    yield Buffer.alloc(0);
  }
}
const failed = (code: string, message = code) => Object.assign(new Error(message), { code });
const xml = (body: string) => ({ answer: { status: 200, headers: { 'content-type': 'application/xml' }, body } });
const empty = xml('');
const document = xml('<InitiateMultipartUploadResult></InitiateMultipartUploadResult>');

/** What the bucket says of the video once it is there. */
const found = (says: string, headers: Record<string, string> | undefined): Meeting => {
  const id = freshId();
  return {
    says: `${id}/video.mkv ${says}`,
    hint: 'run the command again to upload it again',
    exit: EXIT.changed,
    meet: (_desk, { faults }) => {
      const answer = headers ? { status: 200, headers } : { status: 404 };
      const times = Number.POSITIVE_INFINITY;
      faults.add({ server: 's3', operation: 'HeadObject', key: `${id}/video.mkv`, times, action: { answer } });
      return ['upload', makeRecording({ name: id, files: { 'video.mkv': 'ten bytes.' } })];
    },
  };
};

export const STORAGE: readonly Meeting[] = [
  refused(403, 'InvalidAccessKeyId', UNKNOWN_KEY),
  refused(
    403,
    'SignatureDoesNotMatch',
    'check secretAccessKey (AWS_SECRET_ACCESS_KEY); if it is right, a proxy before the store changes what is signed (nginx needs "proxy_set_header Host $http_host")',
  ),
  refused(403, 'AccessDenied', 'check that the access key may read and write this bucket'),
  refused(403, 'SomethingElse', 'check the access key and that it may read and write this bucket'),
  refused(404, 'NoSuchBucket', 'check bucket and endpoint, or create the bucket'),
  refused(301, 'PermanentRedirect', 'the bucket is in another region: check endpoint and region'),
  refused(400, 'AuthorizationHeaderMalformed', 'check region: the store expects another one'),
  refused(
    400,
    'AccessControlListNotSupported',
    'the bucket accepts no ACLs: leave out acl, and let a bucket policy make the links public',
  ),
  refused(400, 'InvalidStorageClass', 'the store does not know this storageClass: correct it or leave it out'),
  refused(403, 'RequestTimeTooSkewed', "set this machine's clock: it differs from the store's by more than 15 minutes"),
  refused(400, 'QuotaExceeded', QUOTA),
  refused(403, 'QuotaExceeded', QUOTA),
  refused(400, 'XMinioAdminBucketQuotaExceeded', QUOTA),
  refused(507, 'XMinioStorageFull', FULL),
  refused(507, 'InsufficientStorage', FULL),
  refused(400, 'ExpiredToken', 'get new temporary keys: their session token has expired'),
  refused(400, 'TokenRefreshRequired', 'get new temporary keys: their session token has expired'),
  refused(403, 'InvalidTokenId', WRONG_SESSION),
  refused(400, 'InvalidToken', WRONG_SESSION),
  refused(403, 'AccessKeyExpired', EXPIRED),
  refused(403, 'InactiveAccessKey', EXPIRED),
  refused(400, 'KMS.DisabledException', ENCRYPTION),
  refused(400, 'KMSInvalidState', ENCRYPTION),
  refused(400, 'MissingContentMD5', NEEDS_MD5),
  refused(403, 'UserSuspended', CLOSED),
  refused(
    400,
    'ObjectLocked',
    'the object is locked by retention: upload the recording under another id (--id), or wait until it ends',
  ),
  moved({ status: 400, code: 'AuthorizationHeaderMalformed', details: { Region: 'eu-1' } }, '…region eu-1…', REGION),
  moved(
    {
      status: 400,
      code: 'IllegalLocationConstraintException',
      message:
        'The eu-south-1 location constraint is incompatible for the region specific endpoint this request was sent to.',
    },
    '…incompatible for the region specific endpoint…',
    'the bucket is elsewhere: set region to eu-south-1 (RECORDUPLOAD_REGION)',
  ),
  moved({ status: 400, headers: { 'x-amz-bucket-region': 'eu-1' }, body: '' }, '400 (region eu-1)', REGION),
  moved(
    { status: 301, code: 'PermanentRedirect', details: { Endpoint: 'fyemeet.s3.eu-1.example.com' } },
    '…; address http://s3.eu-1.example.com)',
    'the bucket is elsewhere: set endpoint to http://s3.eu-1.example.com (RECORDUPLOAD_ENDPOINT)',
  ),
  {
    says: 'checking fyemeet/…/video.mkv: the store answered 400',
    hint: 'check region and endpoint: a store that expects another region answers so',
    exit,
    meet: (_desk, { faults }) => {
      const times = Number.POSITIVE_INFINITY;
      faults.add({ server: 's3', operation: 'HeadObject', times, action: { answer: { status: 400 } } });
      return ['upload', makeRecording()];
    },
  },
  refused(400, 'EntityTooLarge', 'the store does not take objects or parts of this size'),
  refused(400, 'InvalidArgument', 'the store does not take this request: tell whoever runs it what it answered'),
  refused(
    407,
    'ProxyAuthenticationRequired',
    'a proxy on the way wants a user name and a password: put them into its address in HTTPS_PROXY or HTTP_PROXY',
  ),
  refused(413, 'RequestTooLarge', TOO_LARGE),
  refused(401, 'Unauthorized', 'check accessKeyId and secretAccessKey: the store does not accept them'),
  refused(402, 'PaymentRequired', CLOSED),
  refused(400, 'InvalidRegionName', 'check region: the store expects another one'),
  refused(
    501,
    'NotImplemented',
    'the store does not know what a setting asks for: leave out acl, storageClass and cacheControl, or the one that it names',
  ),
  ...['XMinioParentIsObject', 'XMinioObjectExistsAsDirectory', 'ObjectExistsAsPrefix'].map(code =>
    refused(
      400,
      code,
      "an object in the bucket has the name of the recording's folder: remove it, or upload the recording under another id (--id)",
    ),
  ),
  ...[
    ['AccessDenied', 'Cannot upload files, storage cap exceeded.', QUOTA],
    ['AccessDenied', 'Transaction cap exceeded, see the Caps & Alerts page to increase your cap.', QUOTA],
    ['AccessDenied', 'The bucket exceeds its quota.', QUOTA],
    ['AccessDenied', 'Your account has been suspended.', CLOSED],
    ['InvalidArgument', 'Credential access key has length 34, should be 32', UNKNOWN_KEY],
  ].map(([code = '', message = '', hint = '']) => ({
    ...moved({ status: 403, code, message }, `403 ${code} (${message})`, hint),
    env: { RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1ms' },
  })),
  refused(503, 'SlowDown', 'it may pass: run the command again later'),
  stranger('HTTP 404 with a web page from recordupload-sandbox', 'PutObject', webPage(404, '<html>')),
  stranger('HTTP 405 with a web page from nginx: "Hi"', 'PutObject', webPage(405, '<title>Hi</title>', 'nginx')),
  {
    ...stranger('HTTP 403 with a web page from x: "No"', 'PutObject', webPage(403, '<title>No</title>', 'x')),
    hint: `a firewall, a gateway or a login page before the store blocks the request: have this machine allowed there, or ${API_ADDRESS}`,
  },
  {
    ...stranger('', 'PutObject', webPage(413, '')),
    says: 'uploading fyemeet/…: something before the store refuses a request of this size (HTTP 413 with a web page from recordupload-sandbox)',
    hint: TOO_LARGE,
  },
  {
    ...moved(
      { status: 400, code: 'InvalidArgument', message: 'Part number must be an integer between 1 and 1000, inclusive' },
      '400 InvalidArgument (Part number must be an integer between 1 and 1000, inclusive)',
      'the store takes at most 1000 parts of an object: this file is too large for it',
    ),
  },
  wrongPort(
    'Client sent an HTTP request to an HTTPS server.',
    'set endpoint to https://127.0.0.1:… (RECORDUPLOAD_ENDPOINT)',
  ),
  wrongPort('Requests must be made to API port.', `${API_ADDRESS}; MinIO's API has port 9000 unless it was changed`),
  stranger('no ETag in the answer', 'PutObject', empty),
  stranger('no InitiateMultipartUploadResult in the answer', 'CreateMultipartUpload', empty, 9_000_000),
  stranger('no valid headers in the answer', 'HeadObject', {
    answer: { status: 200, headers: { 'last-modified': 'yesterday' } },
  }),
  stranger('no upload id in the answer', 'CreateMultipartUpload', document, 9_000_000),
  {
    says: 'listing fyemeet/999/: http://127.0.0.1:… does not answer as an S3 service (a list without an end)',
    hint: 'check endpoint: it is the address of the S3 API, not of a web console',
    exit,
    meet: (_desk, { faults }) => {
      const page = '<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>';
      const action = xml(`<ListBucketResult>${page}</ListBucketResult>`);
      faults.add({ server: 's3', operation: 'ListObjectsV2', times: Number.POSITIVE_INFINITY, action });
      return ['webhook', 'send', '999'];
    },
  },

  {
    says: 'checking fyemeet/…: Region not accepted: region="-us" is not a valid hostname component.',
    hint: 'check endpoint, region and bucket',
    exit,
    env: { RECORDUPLOAD_REGION: '-us' },
    meet: () => ['upload', makeRecording()],
  },
  found('is not in the bucket although its upload was accepted', undefined),
  found('has 9 bytes in the bucket instead of 10', { 'content-length': '9', etag: '"x"' }),
  found('has the ETag x in the bucket instead of …', { 'content-length': '10', etag: '"x"' }),
  {
    says: '…: recording …: the bucket has another one with this id: …/video.mkv (…, stored … UTC by …), …/thumbnail.jpg (…)…',
    hint: 'upload it under another id with --id, or replace what the bucket has with --force',
    exit: EXIT.recording,
    meet: async (_desk, sandbox) => {
      const name = freshId();
      const files = { 'video.mkv': 'of another recorder', 'thumbnail.jpg': 'its picture', 'transcript.txt': null };
      await openDesk(sandbox).run(['upload', makeRecording({ name, files })]);
      return ['upload', makeRecording({ name })];
    },
  },
  {
    says: 'recording …: the bucket has another one with this id: …/video.mkv (the access key may not read whose it is)',
    hint: 'upload it under another id with --id, and end this upload: recordupload forget …; or replace what the bucket has with --force',
    exit: EXIT.recording,
    meet: async (_desk, sandbox) => {
      const name = freshId();
      await openDesk(sandbox).run(['upload', makeRecording({ name })]);
      for (const operation of ['HeadObject', 'ListObjectsV2', 'GetObject']) {
        const action = { answer: { status: 403, code: 'AccessDenied' } };
        sandbox.faults.add({ server: 's3', operation, times: Number.POSITIVE_INFINITY, action });
      }
      return ['upload', makeRecording({ name, videoBytes: 5 })];
    },
  },
  {
    says: 'recording 999: no metadata.json in the bucket fyemeet',
    hint: 'compare it with its folder: recordupload verify <dir>',
    exit: EXIT.changed,
    meet: async desk => {
      await desk.run(['upload', makeRecording({ name: '999', videoBytes: 0 })]);
      return ['verify', '999'];
    },
  },
  {
    says: 'recording 999 is not known on this machine',
    hint: 'the bucket fyemeet has nothing of it either; recordupload list shows what was uploaded from here',
    exit: EXIT.usage,
    meet: () => ['verify', '999'],
  },
  {
    says: 'recording 999: its metadata.json has no checksums',
    hint: 'compare it with its folder: recordupload verify <dir>',
    exit: EXIT.changed,
    meet: async (desk, { faults }) => {
      await desk.run(['upload', makeRecording({ name: '999', videoBytes: 0 })]);
      const answer = { status: 200, headers: { 'content-length': '2', etag: '"x"' } };
      faults.add({ server: 's3', operation: 'HeadObject', action: { answer } });
      return ['verify', '999'];
    },
  },
];

/** A file of a folder that was read a moment ago. */
async function changedSince(change: (path: string) => void): Promise<unknown> {
  const path = join(tempDir(), 'video.mkv');
  writeFileSync(path, 'a video');
  const identity = { ...statFile(path), device: String(statSync(path).dev) };
  change(path);
  return openSource({ role: 'video', name: 'video.mkv', path, contentType: 'video/x-matroska', ...identity });
}
/**
 * In a process of its own, which has used up all that it may open.
 * @param call what throws, with `module` as the imported module
 */
function withoutDescriptors(path: string, call: string): AppError {
  const source = new URL(`../../src/${path}`, import.meta.url).href;
  const script = `
    import { openSync } from 'node:fs';
    import * as module from '${source}';
    try { for (;;) openSync('/dev/null', 'r'); } catch {}
    try { await ${call} } catch ({ code, message, hint }) {
      process.stdout.write(JSON.stringify({ code, message, hint }));
    }`;
  const limited = ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, script];
  const { code, message, hint } = JSON.parse(execFileSync('sh', limited, { encoding: 'utf8' }));
  return new AppError(code, message, { hint });
}
const OPEN_FILES_HINT = 'raise the limit on open files (ulimit -n 256), then run the command again';
const AGAIN = 'run the command again once the recorder has finished with the folder';

export const STORAGE_MADE: readonly Made[] = [
  {
    says: 'too many open files: an upload needs 2 more than the limit allows',
    hint: OPEN_FILES_HINT,
    exit,
    make: () => shareOpenFiles(1),
  },
  {
    says: 'the sandbox cannot start: too many open files',
    hint: OPEN_FILES_HINT,
    exit: EXIT.usage,
    make: () => withoutDescriptors('cli/own-sandbox.ts', 'module.openOwnSandbox({ env: {} })'),
  },
  {
    says: '/etc/hostname cannot be read: too many open files',
    hint: OPEN_FILES_HINT,
    exit: EXIT.usage,
    make: () => withoutDescriptors('core/read-file.ts', `module.readSmallFile('/etc/hostname')`),
  },
  unreachable('ECONNREFUSED', 'connection refused'),
  unreachable('ECONNRESET', 'connection reset'),
  unreachable('EPIPE', 'connection closed while sending'),
  unreachable('ENOTFOUND', 'host name not found'),
  unreachable('EAI_AGAIN', 'host name could not be looked up'),
  unreachable('ETIMEDOUT', 'no answer'),
  unreachable('EHOSTUNREACH', 'host unreachable'),
  unreachable('ENETUNREACH', 'network unreachable'),
  unreachable('Stalled', 'no byte moved for 30 s'),
  unreachable('EPROTO', 'bad record mac', 'write EPROTO 40:error:0A000119:SSL routines:tls:bad record mac:../x.c:1:\n'),
  {
    ...unreachable('EPROTO', '', 'write EPROTO 40:error:0A00010B:SSL routines:tls:wrong version number:../x.c:77:\n'),
    says: 'uploading 3/video.mkv: no secure connection to https://s3.example.com (wrong version number)',
    hint: 'check the scheme (https:// or http://) and the port of endpoint',
  },
  { ...unreachable('EMFILE', 'too many open files'), hint: OPEN_FILES_HINT },
  { ...unreachable('ENFILE', 'too many open files'), hint: OPEN_FILES_HINT },
  {
    says: 'uploading 3/video.mkv: cannot reach the proxy for https://s3.example.com (the proxy answered 407)',
    hint: 'check HTTPS_PROXY and NO_PROXY',
    exit,
    make: () => {
      const message = 'Failed to establish tunnel via http://proxy:3128/: HTTP/1.1 407 fake-password-of-the-proxy';
      const error = Object.assign(new Error(message), { code: 'ERR_PROXY_TUNNEL' });
      return networkFailure(error, 'uploading 3/video.mkv', 'https://s3.example.com', 'HTTPS_PROXY');
    },
  },
  ...[readMetadataObject, (object: Dripping, key: string) => Array.fromAsync(readObject(object, key, 9, 10))].map(
    read => ({
      says: 'reading 3/metadata.json: the store sends it too slowly (not complete after 1 s)',
      hint: 'it may pass: run the command again later',
      exit,
      make: () => read({ stream: drip() }, '3/metadata.json', { maxBytes: Number.POSITIVE_INFINITY, totalMs: 10 }),
    }),
  ),
  ...['ERR_PROXY_TUNNEL', 'ECONNREFUSED'].map(code => ({
    says: 'uploading 3/video.mkv: cannot reach the proxy for https://s3.example.com (…)',
    hint: 'check https_proxy and NO_PROXY',
    exit,
    make: () => networkFailure(failed(code), 'uploading 3/video.mkv', 'https://s3.example.com', 'https_proxy'),
  })),
  badCertificate('CERT_HAS_EXPIRED', "have the store's certificate renewed, unless this machine's clock is wrong"),
  badCertificate('CERT_NOT_YET_VALID', "set this machine's clock: the store's certificate is not valid yet"),
  badCertificate('ERR_TLS_CERT_ALTNAME_INVALID', 'check the host in endpoint: the certificate is for another one'),
  {
    ...unreachable('DEPTH_ZERO_SELF_SIGNED_CERT', ''),
    says: 'uploading 3/video.mkv: the TLS certificate of https://s3.example.com is not accepted (DEPTH_ZERO_SELF_SIGNED_CERT)',
    hint: 'check endpoint, or name your own certificate authority with caFile or NODE_EXTRA_CA_CERTS',
  },
  {
    says: '…/video.mkv: it changed while it was being uploaded',
    hint: AGAIN,
    exit: EXIT.changed,
    make: () => changedSince(path => writeFileSync(path, 'another video')),
  },
  {
    says: '…/video.mkv: it was replaced by another file',
    hint: AGAIN,
    exit: EXIT.changed,
    make: () =>
      changedSince(path => {
        rmSync(path);
        symlinkSync('/etc/hostname', path);
      }),
  },
  {
    says: '…/video.mkv: it vanished',
    hint: AGAIN,
    exit: EXIT.changed,
    make: () => openSource({ role: 'video', name: 'video.mkv', path: '/nowhere/video.mkv' } as never),
  },
  {
    says: '/nowhere/video.mkv: it cannot be opened (too many open files)',
    hint: OPEN_FILES_HINT,
    exit,
    make: () => withoutDescriptors('core/upload/source-file.ts', `module.openSource({ path: '/nowhere/video.mkv' })`),
  },
  {
    says: '…: it cannot be read any more (…)',
    hint: 'check its disk, then run the command again',
    exit: EXIT.changed,
    make: () => openSource({ role: 'video', name: 'video.mkv', path: `/${'x'.repeat(300)}/video.mkv` } as never),
  },
  {
    // A store that tells no ETag: the object's own token must be in its metadata.
    says: '3/video.mkv was replaced by another upload',
    hint: 'run the command again to upload it again',
    exit: EXIT.changed,
    make: () => {
      const bucket = { head: async () => ({ sizeBytes: 9, etag: 'x', metadata: {} }) };
      const expected = { sizeBytes: 9, etag: undefined, token: 'ours' };
      return verifyObject({ bucket, key: '3/video.mkv' } as never, expected);
    },
  },
];
