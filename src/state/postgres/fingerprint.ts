import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** https://www.freedesktop.org/software/systemd/man/latest/machine-id.html */
const MACHINE_ID_FILES = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/** Characters of a fingerprint that are of machine and host; what follows is of the machine id alone. */
const WHOLE = 32;

/**
 * Tells this machine from others of the same name. Copies of one image may have the same machine id, and then other host
 * names. It is hashed: the machine id is confidential.
 */
export function machineFingerprint(): string {
  const id = machineId();
  return hashed(`${id}\n${hostname()}`).slice(0, WHOLE) + (id && hashed(id).slice(0, 16));
}

/** True where two fingerprints are of one machine with one host name. Older versions had the first part alone. */
export function isSameMachine(one: string, other: string): boolean {
  return one.slice(0, WHOLE) === other.slice(0, WHOLE);
}

/** True where both have a machine id, and not the same: a container has none, and one that was renamed keeps it. */
export function isOtherInstallation(one: string, other: string): boolean {
  const [own, its] = [one.slice(WHOLE), other.slice(WHOLE)];
  return own !== '' && its !== '' && own !== its;
}

function hashed(text: string): string {
  return createHash('sha256').update(`recordupload\n${text}`).digest('hex');
}

function machineId(): string {
  for (const file of MACHINE_ID_FILES) {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {}
  }
  return '';
}
