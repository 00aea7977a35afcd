import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** https://www.freedesktop.org/software/systemd/man/latest/machine-id.html */
const MACHINE_ID_FILES = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/**
 * Tells this machine from others of the same name. Copies of one image may have the same machine id, and then other host
 * names. It is hashed: the machine id is confidential.
 */
export function machineFingerprint(): string {
  return createHash('sha256').update(`recordupload\n${machineId()}\n${hostname()}`).digest('hex').slice(0, 32);
}

function machineId(): string {
  for (const file of MACHINE_ID_FILES) {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {}
  }
  return '';
}
