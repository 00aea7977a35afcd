import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import { getCACertificates } from 'node:tls';
import { AppError } from '../../errors.ts';
import { through } from '../../http/connections.ts';
import { type HttpProxy, proxyFor } from '../../http/proxies.ts';
import { readLimited } from '../../read-limited.ts';
import { shellQuoted } from '../../shell-quoted.ts';
import { networkFailure, StorageFailure } from '../failure.ts';
import type { KeyProfile, Keys } from '../keys.ts';
import { fromIni, fromWebToken, NodeHttpHandler } from './providers.ts';

/** Keys that stop working at some time, as most of those that a profile gets elsewhere. */
export interface TemporaryKeys extends Keys {
  expiration?: Date | undefined;
}

/** What the requests for keys depend on beside the profile. */
export interface KeySettings {
  /** For proxies, and for the region of a profile that has none. */
  env: NodeJS.ProcessEnv;
  /** Further certificate authorities, PEM text. */
  ca: string | undefined;
}

const CONNECT_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Gets the keys of a profile that does not contain them. The SDK's providers do the work. The returned function asks
 * again each time; the S3 client calls it before the keys expire.
 * @returns a function that throws StorageFailure: `transient` if the network or the service failed, otherwise `refused`
 */
export function createKeyProvider(
  { profile, files, region, program, signIn }: KeyProfile,
  { env, ca }: KeySettings,
): () => Promise<TemporaryKeys> {
  const transport = createTransport(env, ca);
  const client = {
    profile,
    requestHandler: transport.handler,
    // The mode `auto` would ask the metadata address of EC2 machines for the region.
    defaultsMode: 'standard',
    logger: SILENT,
  };
  const provide = fromIni({
    profile,
    configFilepath: files.config,
    filepath: files.credentials,
    clientConfig: client,
    parentClientConfig: {
      ...client,
      region: env.AWS_REGION || env.AWS_DEFAULT_REGION || region || 'us-east-1',
    },
    // For this one alone the SDK leaves `clientConfig` out.
    roleAssumerWithWebIdentity: ({ RoleArn, RoleSessionName, WebIdentityToken }) =>
      fromWebToken({
        roleArn: String(RoleArn),
        roleSessionName: RoleSessionName,
        webIdentityToken: String(WebIdentityToken),
        clientConfig: client,
      })(),
  });
  const what = `AWS profile ${JSON.stringify(profile)}`;
  return async () => {
    transport.forget();
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provide();
      return { accessKeyId, secretAccessKey, sessionToken, expiration };
    } catch (error) {
      throw (
        transport.failureOf(what) ??
        new StorageFailure(`${what}: ${reasonOf(error as Error, program)}`, {
          kind: 'refused',
          status: undefined,
          reason: 'KeysRefused',
          hint: signIn
            ? `run ${signIn}`
            : `see what the AWS tools say: aws configure export-credentials --profile ${shellQuoted(profile)}`,
          cause: error,
        })
      );
    }
  };
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * The SDK's connections, through the proxies of the environment. It remembers how its last request ended: of most
 * failures the SDK's errors keep the text alone.
 */
function createTransport(env: NodeJS.ProcessEnv, ca: string | undefined) {
  const handlers = new Map<string, NodeHttpHandler>();
  const handlerFor = (proxy: HttpProxy | undefined) => {
    const key = proxy?.url.href ?? '';
    const handler = handlers.get(key) ?? makeHandler(proxy, ca);
    handlers.set(key, handler);
    return handler;
  };
  const direct = handlerFor(undefined);
  let last: { origin: string; error?: unknown; status?: number; proxyVariable?: string | undefined } | undefined;
  const handle: NodeHttpHandler['handle'] = async (request, options) => {
    const origin = `${request.protocol}//${request.hostname}${request.port ? `:${request.port}` : ''}`;
    let proxyVariable: string | undefined;
    try {
      const proxy = proxyFor(new URL(origin), env);
      proxyVariable = proxy?.variable;
      const { response } = await handlerFor(proxy).handle(request, options);
      last = { origin, status: response.statusCode };
      response.body = await readAnswer(response.body);
      return { response };
    } catch (error) {
      last = { origin, error, proxyVariable };
      throw error;
    }
  };
  return {
    handler: {
      metadata: direct.metadata,
      handle,
      updateHttpClientConfig: direct.updateHttpClientConfig.bind(direct),
      httpHandlerConfigs: direct.httpHandlerConfigs.bind(direct),
      destroy() {
        for (const handler of handlers.values()) handler.destroy();
      },
    },
    forget() {
      last = undefined;
    },
    /** The failure, where the last request had no answer, or one that passes by itself. */
    failureOf(what: string): AppError | undefined {
      if (last?.error instanceof AppError) return last.error;
      if (last?.error !== undefined) return networkFailure(last.error, what, last.origin, last.proxyVariable);
      const status = last?.status ?? 0;
      if (!last || (status < 500 && status !== 429)) return undefined;
      return new StorageFailure(`${what}: ${last.origin} answered ${status}`, {
        kind: 'transient',
        status,
        reason: 'KeysUnavailable',
        hint: 'it may pass: run the command again later',
      });
    },
  };
}

function makeHandler(proxy: HttpProxy | undefined, ca: string | undefined): NodeHttpHandler {
  const options = through(proxy);
  return new NodeHttpHandler({
    httpAgent: new HttpAgent(options),
    httpsAgent: new HttpsAgent({ ...options, ...(ca !== undefined && { ca: [...getCACertificates('default'), ca] }) }),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    throwOnRequestTimeout: true,
    logger: SILENT,
  });
}

/** The services' answers are a few KiB; the SDK itself would read one without an end. */
async function readAnswer(body: unknown): Promise<unknown> {
  if (!(body instanceof Readable)) return body;
  const limits = { maxBytes: MAX_ANSWER_BYTES, totalMs: REQUEST_TIMEOUT_MS };
  try {
    return await readLimited(body, limits);
  } finally {
    body.destroy();
  }
}

const LONGEST_REASON = 300;

/** One line. The command line of a program may have a secret in it, and the SDK quotes it: only its name is shown. */
function reasonOf({ message }: Error, program: string | undefined): string {
  const shown = program
    ? message
        .replaceAll(`Command failed: ${program}`, 'credential_process failed')
        .replaceAll(program, 'credential_process')
    : message;
  const lines = shown.split('\n').flatMap(line => line.trim() || []);
  // A program that failed says why in its last words.
  const reason = program ? [...new Set([lines[0], lines.at(-1)])].join(': ') : (lines[0] ?? '');
  return reason.replace(/\.? To refresh this SSO session.*/, '').slice(0, LONGEST_REASON);
}
