/**
 * One `retry` process for the overlap tests: sends what is due in a state folder to a receiver, then ends.
 * Arguments: state folder, URL.
 */
import { systemClock } from '../../../src/core/clock.ts';
import { deliverWebhooks } from '../../../src/core/delivery/deliver-webhooks.ts';
import { openOutbox } from '../../../src/core/delivery/outbox.ts';
import { createPoster } from '../../../src/core/webhook/post-webhook.ts';
import { openDatabase } from '../../../src/state/sqlite/database.ts';

const [dir = '', url = ''] = process.argv.slice(2);
const database = openDatabase(dir);
const poster = createPoster({ userAgent: 'recordupload/0.0.0' });
const report = await deliverWebhooks(
  { due: 'due', held: false, trigger: 'retry' },
  {
    outbox: openOutbox(database),
    endpoints: [{ name: 'default', url, token: 'fake-token-for-tests', secrets: [], enabled: true }],
    post: poster.post,
    clock: systemClock,
    random: Math.random,
    observer: () => {},
    concurrency: 8,
  },
);
poster.close();
database.close();
process.stdout.write(JSON.stringify(report.endpoints));
