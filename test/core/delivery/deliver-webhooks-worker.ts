/**
 * One `retry` process for the overlap tests: sends what is due in a state folder to a receiver, then ends.
 * Arguments: state folder, URL.
 */
import { systemClock } from '../../../src/core/clock.ts';
import { deliverWebhooks } from '../../../src/core/delivery/deliver-webhooks.ts';
import { createPoster } from '../../../src/core/webhook/post-webhook.ts';
import { openState } from '../../../src/state/open.ts';

const [dir = '', url = ''] = process.argv.slice(2);
const state = await openState(dir);
const poster = createPoster({ userAgent: 'recordupload/0.0.0' });
const report = await deliverWebhooks(
  { due: 'due', held: false, trigger: 'retry' },
  {
    state,
    endpoints: [{ name: 'default', url, token: 'fake-token-for-tests', secrets: [], enabled: true }],
    post: poster.post,
    clock: systemClock,
    random: Math.random,
    observer: () => {},
    concurrency: 8,
  },
);
poster.close();
await state.close();
process.stdout.write(JSON.stringify(report.endpoints));
