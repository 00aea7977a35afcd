/**
 * A machine of a fleet that sends what is due until nothing is left. Arguments: the state's URL, the machine's name, the
 * endpoint's URL.
 */
import { systemClock } from '../../../src/core/clock.ts';
import { deliverWebhooks } from '../../../src/core/delivery/deliver-webhooks.ts';
import { createPoster } from '../../../src/core/webhook/post-webhook.ts';
import { openDatabase } from '../../../src/state/postgres/database.ts';
import { postgresStateOver } from '../../../src/state/postgres/postgres-state.ts';
import { databaseOptions } from '../../../src/state/postgres/settings.ts';
import { endpointAt } from '../../core/webhook/support.ts';

const [url = '', machine = '', receiver = ''] = process.argv.slice(2);
const state = postgresStateOver(
  await openDatabase(databaseOptions({ url, machine, sharedFolders: false, program: 'test' }, process.pid)),
);
const poster = createPoster({ userAgent: 'test' });
const endpoints = [endpointAt(receiver, { secrets: [`whsec_${Buffer.alloc(32, 7).toString('base64')}`] })];
const deps = { state, endpoints, post: poster.post, clock: systemClock, random: Math.random, observer: () => {} };
for (;;) {
  await deliverWebhooks({ due: 'due', held: false, trigger: 'retry' }, { ...deps, concurrency: 4 });
  const [due] = await state.outbox.nextDue();
  if (!due) break;
  // Another process sends the rest, or has died with it.
  await systemClock.sleep(100);
}
poster.close();
await state.close();
