import { AppError } from '../core/errors.ts';
import type { Endpoint } from '../core/webhook/endpoint.ts';
import type { Config } from './config.ts';
import { endpointVariable } from './sources/environment.ts';

/**
 * The keys for the bucket.
 * @throws AppError `CONFIG` where there are none, or those configured cannot be used
 */
export function requireCredentials(config: Config): NonNullable<Config['credentials']> {
  if (config.credentials) return config.credentials;
  throw new AppError('CONFIG', config.credentialsProblem ?? 'no access keys for the bucket are configured', {
    hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or accessKeyId and secretAccessKey in .recorduploadrc',
  });
}

/**
 * The endpoint's token.
 * @throws AppError `CONFIG` where it has none
 */
export function requireToken(endpoint: Endpoint): string {
  if (endpoint.token !== undefined) return endpoint.token;
  const isDefault = endpoint.name === 'default';
  const variables = isDefault
    ? 'WEBHOOK_TOKEN or WEBHOOK_TOKEN_FILE'
    : ['token', 'tokenFile'].map(path => endpointVariable(endpoint.name, { path })).join(' or ');
  const which = isDefault
    ? 'no webhook token is configured'
    : `no token is configured for the webhook ${endpoint.name}`;
  throw new AppError('CONFIG', which, { hint: `set ${variables}, or tokenFile in .recorduploadrc` });
}
