import { damagedState } from '../damaged-state.ts';
import { fleetView } from '../fleet-view.ts';
import type { Runtime } from '../runtime.ts';
import { diskRoom } from './disk-room.ts';
import { metricFamilies } from './families.ts';
import { openMetrics } from './openmetrics.ts';

/**
 * Numbers for monitoring, as OpenMetrics text. Changes nothing and waits for no lock.
 * @param version of the program
 * @throws AppError `STATE` if the state cannot be read
 */
export async function metrics({ version }: { version: string }, runtime: Runtime): Promise<string> {
  const { config } = runtime;
  const disks = diskRoom([config.stateDir, ...config.watch.roots], runtime);
  const open = await runtime.overview();
  try {
    const state = open && { overview: await open.all({ limit: 0 }), measures: await open.measures() };
    const view = await fleetView(open, config, undefined);
    const fleet = view && { ...view, isReachable: open?.alone?.() === undefined };
    // Numbers of which some are missing would look like progress, or like a new machine.
    const damage = open?.damage();
    if (damage) throw damagedState(damage);
    const endpoints = config.webhooks.map(({ name }) => name);
    return openMetrics(metricFamilies({ version, state, fleet, endpoints, disks: await disks }));
  } finally {
    open?.close();
  }
}
