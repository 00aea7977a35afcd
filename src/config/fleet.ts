import { machineName } from '../core/machine-name.ts';
import type { Config } from './config.ts';
import { type Origin, originOf } from './origins.ts';
import type { Machine } from './paths.ts';
import { flawOfStateUrl } from './secret-text.ts';
import { findSecret, secretOrigin } from './secrets.ts';
import { type Setting, settingsOf } from './sources/setting.ts';
import { flawOfNaming } from './trust/steering.ts';

/** Where a fleet's state is, and who this machine is in it. */
type Fleet = Pick<Config, 'stateUrl' | 'machine' | 'isMachineNamed'>;

const NAMELESS = 'machine: this machine has no host name: set machine (RECORDUPLOAD_MACHINE)';

const KEYS_OF_FLEET = ['machine', 'sharedFolders'] as const;

/**
 * Where a fleet's state is, and who this machine is in it. A file of the working folder that is not trusted says neither:
 * it would have recordings and webhooks noted, and sent, elsewhere.
 * @param given the machine's name, where one is configured
 * @param found.problems gets what is wrong; a command that only reads the state needs the URL as well
 */
export async function resolveFleet(
  settings: readonly Setting[],
  machine: Machine,
  given: string | undefined,
  found: { problems: string[]; distrusted: string[]; warnings: string[] },
): Promise<{ fleet: Fleet; origins: Origin[] }> {
  const forms = ['stateUrl', 'stateUrlFile'];
  const slot = { name: 'stateUrl', forms, credential: 'state-url', flawOf: flawOfStateUrl };
  const url = await findSecret(slot, settingsOf(settings, ...forms), machine, found);
  const flaw = flawOfNaming(url?.setting);
  if (flaw !== undefined) found.distrusted.push(flaw);
  for (const key of KEYS_OF_FLEET) {
    const [setting] = settingsOf(settings, key);
    const flaw = setting?.value === false ? undefined : flawOfNaming(setting);
    if (flaw !== undefined) found.distrusted.push(flaw);
  }
  const name = given ?? machineName();
  const stateUrl = flaw === undefined ? url?.values[0] : undefined;
  if (stateUrl !== undefined && name === '') found.problems.push(NAMELESS);
  return {
    fleet: { stateUrl, machine: name, isMachineNamed: given === undefined ? undefined : true },
    origins: [secretOrigin('stateUrl', url), originOf('machine', name, settingsOf(settings, 'machine'))],
  };
}
