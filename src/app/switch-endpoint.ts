import { chooseStoredEndpoint } from './endpoints.ts';
import type { Runtime } from './runtime.ts';

export interface SwitchReport {
  endpoint: string;
  enabled: boolean;
  /** False: it was so already. */
  changed: boolean;
  /** Webhooks that are sent again because the endpoint was enabled. */
  released: number;
}

/**
 * Sends to an endpoint again that an operator or the server's 410 disabled. Warns if the configuration still switches it
 * off.
 * @throws AppError `USAGE` if neither the configuration nor the state knows it, `STATE`
 */
export async function enableEndpoint({ name }: { name: string }, runtime: Runtime): Promise<SwitchReport> {
  const { endpoints, wasEnabled } = await find(name, runtime);
  const { waiting } = wasEnabled ? { waiting: 0 } : await endpointSwitch({ name }, runtime);
  const released = waiting + (await endpoints.enable(name, runtime.clock.now()));
  if (runtime.config.webhooks.find(one => one.name === name)?.enabled === false) {
    const message = `endpoint ${name} stays switched off by "enabled: false" in the configuration`;
    runtime.observer({ type: 'warning', message });
  }
  return { endpoint: name, enabled: true, changed: !wasEnabled, released };
}

/**
 * Keeps the webhooks of an endpoint back until it is enabled.
 * @throws AppError `USAGE` if neither the configuration nor the state knows it, `STATE`
 */
export async function disableEndpoint({ name }: { name: string }, runtime: Runtime): Promise<SwitchReport> {
  const { endpoints, wasEnabled } = await find(name, runtime);
  // If the server's 410 disabled it before, that reason stays readable.
  if (wasEnabled) await endpoints.disable(name, 'by an operator', runtime.clock.now());
  return { endpoint: name, enabled: false, changed: wasEnabled, released: 0 };
}

/** What switching an endpoint on or off is about. */
export interface EndpointSwitch {
  isEnabled: boolean;
  /** Webhooks that wait for their next try. */
  waiting: number;
  /** Webhooks that become due once it is enabled. */
  heldBecauseDisabled: number;
}

/**
 * Says what switching an endpoint on or off would be about; changes nothing.
 * @throws AppError `USAGE` if neither the configuration nor the state knows it, `STATE`
 */
export async function endpointSwitch({ name }: { name: string }, runtime: Runtime): Promise<EndpointSwitch> {
  const { wasEnabled } = await find(name, runtime);
  const { overview } = await runtime.state();
  const { waiting, held } = await overview.measures();
  const sumOf = (some: readonly { endpoint: string; count: number }[]) =>
    some.filter(one => one.endpoint === name).reduce((sum, { count }) => sum + count, 0);
  return {
    isEnabled: wasEnabled,
    waiting: sumOf(waiting),
    heldBecauseDisabled: sumOf(held.filter(({ reason }) => reason === 'disabled')),
  };
}

async function find(name: string, runtime: Runtime) {
  await chooseStoredEndpoint(name, runtime);
  const { endpoints } = await runtime.state();
  return { endpoints, wasEnabled: (await endpoints.get(name)).disabledReason === null };
}
