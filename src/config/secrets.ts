import path from 'node:path';
import type { Origin } from './origins.ts';
import { type Machine, resolvePath } from './paths.ts';
import { readSecretFile } from './permissions.ts';
import { type Level, outranks, type Setting } from './sources/setting.ts';
import { flawOfNaming, type SecretUse } from './trust/steering.ts';

/** One secret and the forms that it can be configured in. */
export interface SecretSlot {
  /** Its name in problems and origins: `webhook.token`. */
  name: string;
  /** The keys that can set it; a key that ends in `File` contains the path of a file with the secret. */
  forms: readonly string[];
  /** The name of its file in systemd's `$CREDENTIALS_DIRECTORY`, which is read if no setting gives the secret. */
  credential?: string | undefined;
  flawOf: (text: string) => string | undefined;
}

/** A secret and where it came from. */
export interface FoundSecret {
  values: string[];
  level: Level;
  setting: Setting | undefined;
  origin: Origin;
}

/**
 * Finds one secret among the settings of its forms. A stronger source beats a weaker one (`WEBHOOK_TOKEN` beats
 * `webhook.tokenFile` in a file), with a warning if the forms differ, because nobody may expect that. Two forms, or two
 * different values, in sources of the same strength are an error: nobody could tell which one the server gets. The
 * command line replaces all.
 */
export async function findSecret(
  slot: SecretSlot,
  settings: readonly Setting[],
  machine: Machine,
  { problems, distrusted, warnings }: { problems: string[]; distrusted: string[]; warnings: string[] },
): Promise<FoundSecret | undefined> {
  const fromFlags = settings.filter(setting => setting.level === 'flag');
  const candidates = fromFlags.length > 0 ? fromFlags : settings;
  const [winner] = candidates;
  if (!winner) return await findCredential(slot, machine, problems);
  const rival = candidates.find(
    other =>
      other.level === winner.level &&
      ((other.path !== winner.path && !isUntrustedFile(other)) ||
        JSON.stringify(other.value) !== JSON.stringify(winner.value)),
  );
  if (rival) {
    problems.push(`${slot.name}: two sources for one secret, ${winner.source} and ${rival.source}: keep one`);
    return undefined;
  }
  const flaw = isUntrustedFile(winner) ? flawOfNaming(winner) : undefined;
  if (flaw !== undefined) {
    distrusted.push(flaw);
    return undefined;
  }
  const beaten = candidates.find(other => other.path !== winner.path && other.level !== winner.level);
  if (beaten) warnings.push(`${slot.name}: ${winner.source} counts, and ${beaten.source} does not`);
  const values = await readValues(slot, winner, machine, problems);
  const shadows = settings.filter(setting => setting !== winner).map(setting => setting.source);
  const origin = { path: slot.name, value: 'set', secret: true, source: winner.source, trust: winner.trust, shadows };
  return values && { values, level: winner.level, setting: winner, origin };
}

/** A file that a folder's file names is never read as a secret, unless the folder's file is trusted. */
function isUntrustedFile({ path: form, trust }: Setting): boolean {
  return form.endsWith('File') && trust === 'folder';
}

async function readValues(
  slot: SecretSlot,
  setting: Setting,
  machine: Machine,
  problems: string[],
): Promise<string[] | undefined> {
  if (!setting.path.endsWith('File')) return [setting.value].flat().map(String);
  const file = resolvePath(String(setting.value), setting.folder, machine.home);
  const read = await readSecretFile(file, machine);
  const flaw = read.ok ? slot.flawOf(read.text) : read.flaw;
  if (flaw !== undefined) problems.push(`${setting.where}: ${read.ok ? `${file} ${verb(flaw)}` : flaw}`);
  return read.ok && flaw === undefined ? [read.text] : undefined;
}

async function findCredential(
  slot: SecretSlot,
  machine: Machine,
  problems: string[],
): Promise<FoundSecret | undefined> {
  const folder = machine.env.CREDENTIALS_DIRECTORY;
  if (slot.credential === undefined || !folder) return undefined;
  const file = path.join(folder, slot.credential);
  const read = await readSecretFile(file, machine, { issued: true });
  if (!read.ok && read.missing) return undefined;
  const flaw = read.ok ? slot.flawOf(read.text) : read.flaw;
  if (flaw !== undefined) problems.push(`CREDENTIALS_DIRECTORY: ${read.ok ? `${file} ${verb(flaw)}` : flaw}`);
  if (!read.ok || flaw !== undefined) return undefined;
  const trust = 'operator' as const;
  const origin = { path: slot.name, value: 'set', secret: true, source: file, trust, shadows: [] };
  return { values: [read.text], level: 'aws', setting: undefined, origin };
}

/** The secrets that were found, for the question what may steer them. */
export function usesOf(...found: readonly (FoundSecret | undefined)[]): SecretUse[] {
  return found.flatMap(one =>
    one ? [{ name: one.origin.path, source: one.origin.source, setting: one.setting }] : [],
  );
}

/** The origin of a secret that may be missing. */
export function secretOrigin(name: string, found: FoundSecret | undefined): Origin {
  return found?.origin ?? { path: name, value: 'unset', secret: true, source: 'not set', shadows: [] };
}

/** The stronger of two levels. */
export function stronger(a: Level, b: Level): Level {
  return outranks(a, b) ? a : b;
}

function verb(flaw: string): string {
  return flaw.startsWith('expected') ? `is not what it should be: ${flaw}` : flaw;
}
