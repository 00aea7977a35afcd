import { expect, test } from '@jest/globals';
import { runCampaign } from './run-campaign.ts';

// A taste of `campaign.ts`, with a new seed each day; that one kills hundreds.
const seed = Math.floor(Date.now() / 86_400_000);

test(`Uploads that are killed with SIGKILL are finished, with nothing lost or sent twice (seed ${seed})`, async () => {
  const results = await runCampaign({ seed, kills: 8, parallel: 2 });
  expect(results.filter(({ problems }) => problems.length > 0)).toEqual([]);
}, 120_000);
