import { isIP } from 'node:net';
import { type ConnectionOptions, createSecureContext, getCACertificates } from 'node:tls';
import { type DatabaseHost, type DatabaseUrl, sslModeFor } from '../../core/database-url.ts';
import { AppError } from '../../core/errors.ts';
import { readSmallFileSync, Unreadable } from '../../core/read-file.ts';
import { shellQuoted } from '../../core/shell-quoted.ts';

/**
 * How to connect to a host, in the order of `sslmode`: encrypted, or not.
 * @param ca certificates that are trusted besides Node's, in PEM
 * @throws AppError `CONFIG` if the URL names a file that cannot be used
 */
export function waysTo(host: DatabaseHost, url: DatabaseUrl, ca: string | undefined): (ConnectionOptions | false)[] {
  const mode = sslModeFor(host.host, url);
  if (mode === 'disable') return [false];
  const tls: ConnectionOptions = {
    // Like libpq: with a root certificate, `require` looks at the chain.
    rejectUnauthorized: mode.startsWith('verify') || (mode === 'require' && url.sslRootCert !== undefined),
    ca: rootCertificates(url.sslRootCert) ?? (ca === undefined ? undefined : [...getCACertificates('default'), ca]),
    ...ownCertificate(url),
    ...(isIP(host.host) > 0 && { host: host.host }),
  };
  if (mode !== 'verify-full') tls.checkServerIdentity = () => undefined;
  if (mode === 'prefer') return [tls, false];
  if (mode === 'allow') return [false, tls];
  return [tls];
}

function rootCertificates(file: string | undefined): string | undefined {
  if (file === undefined || file === 'system') return undefined;
  const text = pem('sslrootcert', file);
  // Without any, Node.js would trust nobody, and say that the server is not trusted.
  if (!text.includes('CERTIFICATE-----')) throw unusable('sslrootcert', file, 'has no certificate in it');
  return text;
}

/** The certificate by which this machine says who it is. */
function ownCertificate({ sslCert, sslKey }: DatabaseUrl): Pick<ConnectionOptions, 'cert' | 'key'> {
  if (sslCert === undefined || sslKey === undefined) return {};
  const [cert, key] = [pem('sslcert', sslCert), pem('sslkey', sslKey, { isPrivate: true })];
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    // `error:05800074:x509 certificate routines::key values mismatch`
    const reason = (error as Error).message.split('::').at(-1);
    throw new AppError('CONFIG', `stateUrl: sslcert ${sslCert} and sslkey ${sslKey} cannot be used (${reason})`, {
      hint: 'name a certificate and its own private key, in PEM and without a passphrase',
      cause: error,
    });
  }
  return { cert, key };
}

function pem(parameter: string, file: string, { isPrivate = false } = {}): string {
  let read: ReturnType<typeof readSmallFileSync>;
  try {
    read = readSmallFileSync(file);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const why =
      error instanceof Unreadable ? error.flaw : `cannot be read (${(error as NodeJS.ErrnoException).code ?? ''})`;
    throw unusable(parameter, file, why, error);
  }
  const { mode, uid } = read.stats;
  // As libpq: root may lend its key to a group.
  if (isPrivate && process.platform !== 'win32' && (mode & (uid === 0 ? 0o037 : 0o077)) !== 0) {
    throw new AppError('CONFIG', `stateUrl: ${parameter} ${file} can be read by other users`, {
      hint: `keep it to yourself: chmod 600 ${shellQuoted(file)}`,
    });
  }
  return read.bytes.toString('utf8');
}

function unusable(parameter: string, file: string, why: string, cause?: unknown): AppError {
  return new AppError('CONFIG', `stateUrl: ${parameter} ${file} ${why}`, {
    hint: 'name a file in PEM that you may read',
    cause,
  });
}
