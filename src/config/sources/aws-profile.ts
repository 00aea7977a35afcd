import path from 'node:path';
import { loadSharedConfigFiles } from '@smithy/shared-ini-file-loader';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { decodeTextOrAdvise } from '../../core/file-text.ts';
import { readSmallFile, Unreadable } from '../../core/read-file.ts';
import { type Machine, resolvePath } from '../paths.ts';
import { flawOfPrivacy } from '../permissions.ts';

/** What one section says, by key; keys of nested values with a dot (`s3.endpoint_url`). */
export type Section = Readonly<Record<string, string | undefined>>;

/** A profile of the shared AWS files, as the AWS tools see it. */
export interface AwsProfile {
  name: string;
  /** Absolute paths; either may be missing. */
  files: { config: string; credentials: string };
  /** Both files together; the credentials file is the stronger, as in the AWS tools. */
  values: Section;
  /** The same for every profile that its keys come from: its own first, then its `source_profile`, and that one's. */
  chain: readonly { name: string; values: Section }[];
  /** The section `[services …]` that it names; undefined: it names none, or there is no such section. */
  services: Section | undefined;
  /** The file that a value comes from. */
  fileOf: (key: string) => string;
}

export type ReadProfile = { ok: true; profile: AwsProfile } | { ok: false; flaw: string };

/**
 * Reads a profile with the SDK's own loader: `AWS_CONFIG_FILE` (`~/.aws/config`) and `AWS_SHARED_CREDENTIALS_FILE`
 * (`~/.aws/credentials`). Both variables count only in the process's environment: a `.env` file in a working directory
 * must not choose the file whose `credential_process` is run.
 * https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export async function readAwsProfile(name: string, cwd: string, machine: Machine): Promise<ReadProfile> {
  const place = (variable: string, file: string) => {
    const named = machine.env[variable];
    return named ? resolvePath(named, cwd, machine.home) : path.join(machine.home, '.aws', file);
  };
  const files = {
    config: place('AWS_CONFIG_FILE', 'config'),
    credentials: place('AWS_SHARED_CREDENTIALS_FILE', 'credentials'),
  };
  const refuse = (why: string): ReadProfile => ({ ok: false, flaw: `AWS profile ${JSON.stringify(name)}: ${why}` });
  // The loader takes a file that it cannot read for an empty one.
  for (const [file, holdsSecrets] of [[files.config, false] as const, [files.credentials, true] as const]) {
    const flaw = await flawOfFile(file, { holdsSecrets }, machine);
    if (flaw !== undefined) return refuse(`${file} ${flaw}`);
  }
  const { configFile, credentialsFile } = await loadSharedConfigFiles({
    configFilepath: files.config,
    filepath: files.credentials,
    // What gets the keys later reads what was read now.
    ignoreCache: true,
  });
  if (Object.values(configFile).some(hasSecret)) {
    const flaw = await flawOfFile(files.config, { holdsSecrets: true }, machine);
    if (flaw !== undefined) return refuse(`${files.config} ${flaw}`);
  }
  const sectionOf = (profile: string): Section | undefined => {
    const [weak, strong] = [own(configFile, profile), own(credentialsFile, profile)];
    return weak || strong ? { ...weak, ...strong } : undefined;
  };
  const values = sectionOf(name);
  if (!values) {
    // The sections that are no profiles have a dot: `services.x`, `sso-session.x`.
    const known = new Set([...Object.keys(configFile).filter(one => !/^(?:services|sso-session)\./.test(one))]);
    for (const one of Object.keys(credentialsFile)) known.add(one);
    const there = known.size > 0 ? `there are ${[...known].join(', ')}` : 'they have no profiles';
    return refuse(`it is not in ${files.config} and not in ${files.credentials} (${there})`);
  }
  return {
    ok: true,
    profile: {
      name,
      files,
      values,
      chain: chainOf(name, values, sectionOf),
      services: values.services === undefined ? undefined : own(configFile, `services.${values.services}`),
      fileOf: key => (own(credentialsFile, name)?.[key] === undefined ? files.config : files.credentials),
    },
  };
}

function chainOf(
  name: string,
  values: Section,
  sectionOf: (profile: string) => Section | undefined,
): AwsProfile['chain'] {
  const chain = [{ name, values }];
  for (;;) {
    const last = chain.at(-1)?.values;
    // A source with keys of its own is asked for no others.
    const isEnd = chain.length > 1 && last?.aws_access_key_id !== undefined && hasSecret(last);
    const next = isEnd ? undefined : last?.source_profile;
    const section = next === undefined || chain.some(one => one.name === next) ? undefined : sectionOf(next);
    if (next === undefined || !section) return chain;
    chain.push({ name: next, values: section });
  }
}

/** Profiles have names that users choose: `constructor` must not be found where nobody has written it. */
function own(file: Readonly<Record<string, Section>>, section: string): Section | undefined {
  return Object.hasOwn(file, section) ? file[section] : undefined;
}

function hasSecret(section: Section): boolean {
  return section.aws_secret_access_key !== undefined || section.aws_session_token !== undefined;
}

/** The SDK's loader reads UTF-8, and takes a byte order mark for a part of the first line. */
function flawOfText(bytes: Buffer): string | undefined {
  const text = decodeTextOrAdvise(bytes);
  if (!text.ok) return text.flaw;
  return bytes.toString('hex', 0, 3) === 'efbbbf'
    ? 'begins with a byte order mark; save it as UTF-8 without one'
    : undefined;
}

/** What keeps a file from being used; a missing one is as good as empty. */
async function flawOfFile(
  file: string,
  { holdsSecrets }: { holdsSecrets: boolean },
  machine: Machine,
): Promise<string | undefined> {
  try {
    const { bytes, stats } = await readSmallFile(file);
    return (holdsSecrets ? flawOfPrivacy(stats, file, machine) : undefined) ?? flawOfText(bytes);
  } catch (error) {
    if (error instanceof AppError) throw error;
    // `/dev/null` is how people say that there is no file.
    if (error instanceof Unreadable) return file === '/dev/null' ? undefined : error.flaw;
    if (hasErrorCode(error, 'EISDIR')) return 'is not a file';
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (hasErrorCode(error, 'EACCES', 'EPERM')) return 'cannot be read: permission denied';
    return `cannot be read: ${(error as Error).message}`;
  }
}
