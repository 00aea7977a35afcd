import { open } from 'node:fs/promises';
import path from 'node:path';
import { hasErrorCode } from '../../core/errors.ts';
import { type Machine, resolvePath } from '../paths.ts';
import { flawOfPrivacy } from '../permissions.ts';

/** Keys as the shared credentials file has them. Secret. */
export interface StaticKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | undefined;
}

/** What other profiles get their keys from, which we do not follow. */
const INDIRECT = [
  'credential_process',
  'role_arn',
  'source_profile',
  'credential_source',
  'sso_session',
  'sso_start_url',
];

/**
 * The static keys of a profile in the shared credentials file (`AWS_SHARED_CREDENTIALS_FILE`, `~/.aws/credentials`), or
 * why there are none. https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export async function readAwsProfile(
  profile: string,
  cwd: string,
  machine: Machine,
): Promise<{ ok: true; keys: StaticKeys } | { ok: false; flaw: string }> {
  const named = machine.env.AWS_SHARED_CREDENTIALS_FILE;
  const file = named ? resolvePath(named, cwd, machine.home) : path.join(machine.home, '.aws', 'credentials');
  const refuse = (why: string) => ({
    ok: false as const,
    flaw: `AWS profile ${JSON.stringify(profile)}: ${file} ${why}`,
  });
  let text: string;
  try {
    const handle = await open(file);
    try {
      const flaw = flawOfPrivacy(await handle.stat(), file, machine);
      if (flaw !== undefined) return refuse(flaw);
      text = await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    return refuse(hasErrorCode(error, 'ENOENT', 'ENOTDIR') ? 'does not exist' : 'cannot be read');
  }
  const section = readSection(text, profile);
  if (!section) return refuse('has no such profile');
  const accessKeyId = section.get('aws_access_key_id');
  const secretAccessKey = section.get('aws_secret_access_key');
  if (accessKeyId && secretAccessKey) {
    return {
      ok: true,
      keys: { accessKeyId, secretAccessKey, sessionToken: section.get('aws_session_token') || undefined },
    };
  }
  const indirect = INDIRECT.find(name => section.has(name));
  return refuse(
    indirect === undefined
      ? 'lacks aws_access_key_id or aws_secret_access_key there'
      : `uses ${indirect} there, which is not supported: run "aws configure export-credentials" and use the keys`,
  );
}

/** One section of the ini format: names in lower case; indented lines belong to nested values and are passed over. */
function readSection(text: string, wanted: string): Map<string, string> | undefined {
  let section: Map<string, string> | undefined;
  let inside = false;
  for (const line of text.replace(/^\ufeff/, '').split(/\r?\n/)) {
    const header = /^\[\s*(.*?)\s*\]/.exec(line);
    if (header) {
      inside = header[1] === wanted;
      if (inside) section ??= new Map();
      continue;
    }
    const pair = /^([^\s#;=[][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (inside && pair)
      section?.set(
        String(pair[1]).toLowerCase(),
        String(pair[2])
          .replace(/\s[#;].*$/, '')
          .trimEnd(),
      );
  }
  return section;
}
