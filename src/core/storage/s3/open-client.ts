import { readCaFile } from '../../ca-file.ts';
import type { Connections } from '../../http/connections.ts';
import { createRedactor, type Redactor } from '../../redact.ts';
import type { KeyProfile, Keys } from '../keys.ts';
import type { TemporaryKeys } from './profile-keys.ts';
import { createRequestHandler, currentCall } from './request-handler.ts';
import { S3Client, type S3ClientConfig } from './sdk.ts';
import type { BucketSettings } from './settings.ts';

/**
 * The AWS SDK's client, as S3-compatible stores need it. Everything that it would otherwise look up in the environment
 * and in AWS files is given: what counts is our own configuration.
 * @returns the client, and what makes a redactor that knows its keys as they are now
 * @param onRoundTrip told how long each answer to a request without a body took once it was connected, in milliseconds
 */
export function openClient(
  settings: Pick<BucketSettings, 'endpoint' | 'region' | 'credentials' | 'caFile' | 'env' | 'secrets' | 'machine'>,
  connections: Connections,
  onRoundTrip: (ms: number) => void,
): { client: S3Client; redactor: () => Redactor } {
  const { endpoint, region, credentials } = settings;
  let keys: Keys | undefined = 'profile' in credentials ? undefined : credentials;
  const client = new S3Client({
    // The SDK would parse a text three times for each request.
    endpoint: { url: new URL(endpoint) },
    region,
    credentials:
      'profile' in credentials
        ? keysFrom(credentials, settings, got => {
            keys = got;
          })
        : credentials,
    forcePathStyle: true,
    // IDrive E2 and others refuse the checksum trailers that are the SDK's default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // The one retry layer is ours: `persistence.ts`.
    maxAttempts: 1,
    retryMode: 'standard',
    requestHandler: createRequestHandler(endpoint, connections, onRoundTrip),
    // What each command's request passes through is put together once, not for each request.
    cacheMiddleware: true,
    // It costs a round trip, and some stores and proxies do not know it.
    expectContinueHeader: false,
    customUserAgent: 'recordupload',
    userAgentAppId: async () => settings.machine || undefined,
    defaultsMode: 'standard',
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    disableS3ExpressSessionAuth: true,
    disableClockSkewCorrection: false,
    authSchemePreference: [],
    sigv4aSigningRegionSet: [],
  });
  // The digest is known before the request: nothing is hashed twice, and the store refuses any other bytes.
  client.middlewareStack.add(
    next => args => {
      const call = currentCall.getStore();
      const body = call?.body;
      const { headers } = args.request as { headers: Record<string, string> };
      if (body) headers['x-amz-content-sha256'] = body.sha256.toString('hex');
      if (call?.contentMd5) headers['content-md5'] = call.contentMd5.toString('base64');
      return next(args);
    },
    { step: 'build', name: 'presetDigest' },
  );
  const redactor = () => {
    const { accessKeyId = '', secretAccessKey = '', sessionToken = '' } = keys ?? {};
    return createRedactor([...(settings.secrets ?? []), secretAccessKey, sessionToken], { masked: [accessKeyId] });
  };
  return { client, redactor };
}

/** The client calls it with its first request, and again five minutes before the keys expire. */
function keysFrom(
  profile: KeyProfile,
  { env, caFile }: Pick<BucketSettings, 'env' | 'caFile'>,
  onKeys: (keys: Keys) => void,
): NonNullable<S3ClientConfig['credentials']> {
  let provider: Promise<() => Promise<TemporaryKeys>> | undefined;
  const load = async () => {
    const { createKeyProvider } = await import('./profile-keys.ts');
    return createKeyProvider(profile, { env, ca: readCaFile(caFile) });
  };
  return async () => {
    provider ??= load();
    const keys = await (await provider)();
    onKeys(keys);
    return keys;
  };
}
