import { AppError, hasErrorCode } from '../../../core/errors.ts';
import { readSmallFileSync, Unreadable } from '../../../core/read-file.ts';
import { parseRequestRate } from '../../../core/units.ts';
import { decodeSecret } from '../../../core/webhook/signature.ts';
import { ipAllowList } from '../../../sandbox/receiver/ip-allow-list.ts';
import type { ReceiverOptions } from '../../../sandbox/sandbox.ts';
import type { Invocation } from '../../program/command.ts';
import type { sandboxSpec } from './spec.ts';

/**
 * What the sandbox's recordings server requires besides the token.
 * @throws AppError `USAGE`
 */
export function receiverRules(
  options: Invocation<typeof sandboxSpec>['options'],
): Pick<ReceiverOptions, 'signature' | 'allowIps' | 'rateLimit'> {
  const { webhookSecretFile: secretFile, rateLimit: rate, allowIp: allowIps } = options;
  return {
    ...(secretFile !== undefined && { signature: { secrets: readSecrets(secretFile) } }),
    ...(allowIps && { allowIps: checkedAddresses(allowIps) }),
    ...(rate !== undefined && { rateLimit: parseRate(rate) }),
  };
}

/** One secret per line; two while one replaces the other. */
function readSecrets(file: string): string[] {
  const secrets = readLines(file);
  if (secrets.length === 0)
    throw new AppError('USAGE', `--webhook-secret-file: ${file} is empty`, { hint: 'one whsec_… secret per line' });
  for (const secret of secrets) decodeSecret(secret, `--webhook-secret-file: ${file}`);
  return secrets;
}

function readLines(file: string): string[] {
  try {
    return readSmallFileSync(file).bytes.toString('utf8').split(/\s+/).filter(Boolean);
  } catch (error) {
    const isUnreadable = error instanceof Unreadable;
    if (!isUnreadable && !hasErrorCode(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw error;
    const why = isUnreadable ? error.flaw : `cannot be read (${error.code})`;
    throw new AppError('USAGE', `--webhook-secret-file: ${file} ${why}`, {
      hint: 'name a file that you may read',
      cause: error,
    });
  }
}

function checkedAddresses(entries: readonly string[]): string[] {
  try {
    ipAllowList([...entries]);
    return [...entries];
  } catch (error) {
    throw new AppError('USAGE', `--allow-ip: ${(error as Error).message}`, {
      hint: 'such as 127.0.0.1, 10.0.0.0/8, ::1',
    });
  }
}

function parseRate(text: string): NonNullable<ReceiverOptions['rateLimit']> {
  const rate = parseRequestRate(text);
  if (rate) return rate;
  throw new AppError('USAGE', `--rate-limit: ${JSON.stringify(text)} is not a rate`, { hint: 'such as 10/s or 100/m' });
}
