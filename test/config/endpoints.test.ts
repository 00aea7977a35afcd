import { expect, test } from '@jest/globals';
import { requireToken } from '../../src/config/requirements.ts';
import { OLD_SIGNING_SECRET, originOf, SIGNING_SECRET, useDesk } from './support.ts';

const desk = useDesk();
const ops = { name: 'ops', url: 'https://ops.example.com/hook' };
const archive = { name: 'archive-2', url: 'https://archive.example.com/hook', enabled: false };

test('several endpoints keep their order, and take their secrets from variables with their names', async () => {
  await desk.write('.recorduploadrc', { webhooks: [ops, archive] });
  await desk.write('t', 'fake-archive\n');
  const loaded = await desk.load({
    RECORDUPLOAD_WEBHOOKS_OPS_TOKEN: 'fake-ops',
    RECORDUPLOAD_WEBHOOKS_OPS_SECRETS: `${SIGNING_SECRET},${OLD_SIGNING_SECRET}`,
    RECORDUPLOAD_WEBHOOKS_ARCHIVE_2_TOKEN_FILE: 't',
    RECORDUPLOAD_WEBHOOKS_OSP_TOKEN: 'fake-misspelt',
  });
  expect(loaded.config.webhooks).toEqual([
    {
      ...ops,
      token: 'fake-ops',
      tokenFrom: 'RECORDUPLOAD_WEBHOOKS_OPS_TOKEN',
      secrets: [SIGNING_SECRET, OLD_SIGNING_SECRET],
      enabled: true,
    },
    {
      ...archive,
      token: 'fake-archive',
      tokenFrom: 'RECORDUPLOAD_WEBHOOKS_ARCHIVE_2_TOKEN_FILE',
      secrets: [],
      enabled: false,
    },
  ]);
  expect(originOf(loaded, 'webhooks.archive-2.url')?.source).toBe('.recorduploadrc:9');
  expect(originOf(loaded, 'webhooks.ops.token')).toMatchObject({
    value: 'set',
    source: 'RECORDUPLOAD_WEBHOOKS_OPS_TOKEN',
  });
  expect(loaded.warnings).toEqual([expect.stringContaining('RECORDUPLOAD_WEBHOOKS_OSP_TOKEN: sets nothing')]);
});

test('WEBHOOK_TOKEN fits one endpoint of a list, and no more than one', async () => {
  await desk.write('.recorduploadrc', { webhooks: [ops] });
  expect((await desk.load({ WEBHOOK_TOKEN: 'fake-token' })).config.webhooks[0]?.token).toBe('fake-token');
  await desk.write('.recorduploadrc', { webhooks: [ops, archive] });
  expect(await desk.problems({ WEBHOOK_TOKEN: 'fake-token' })).toEqual([
    'WEBHOOK_TOKEN: there are 2 endpoints, it fits only one: name it, as in RECORDUPLOAD_WEBHOOKS_OPS_TOKEN',
  ]);
});

test('an endpoint without token asks for it by its own variable', async () => {
  await desk.write('.recorduploadrc', { webhooks: [ops, archive] });
  const { config } = await desk.load();
  expect(() => requireToken(config.webhooks[1]!)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('RECORDUPLOAD_WEBHOOKS_ARCHIVE_2_TOKEN or') }),
  );
});

test('webhook and webhooks together, and names used twice, are errors', async () => {
  await desk.write('.recorduploadrc', { webhook: { url: ops.url }, webhooks: [ops, ops] });
  expect(await desk.problems()).toEqual([
    '.recorduploadrc: webhooks: two endpoints are called ops',
    'webhook (.recorduploadrc:3) and webhooks (.recorduploadrc:5) are both configured: keep one',
  ]);
  await desk.write('.recorduploadrc', {
    webhooks: [
      { ...ops, name: 'a-b' },
      { ...ops, name: 'a_b' },
    ],
  });
  expect(await desk.problems()).toEqual([expect.stringContaining('rename one')]);
});

test('one secret of a listed endpoint has one source', async () => {
  await desk.write('.recorduploadrc', { webhooks: [{ ...ops, tokenFile: 't' }] });
  await desk.trust('.recorduploadrc');
  const env = { RECORDUPLOAD_WEBHOOKS_OPS_TOKEN: 'fake-token' };
  const { config, warnings } = await desk.load(env);
  expect(config.webhooks[0]?.token).toBe('fake-token');
  expect(warnings).toEqual([
    'webhooks.ops.token: RECORDUPLOAD_WEBHOOKS_OPS_TOKEN counts, and .recorduploadrc:6 does not',
  ]);
  expect(await desk.problems({ ...env, RECORDUPLOAD_WEBHOOKS_OPS_TOKEN_FILE: 't' })).toEqual([
    expect.stringMatching(/^webhooks\.ops\.token: two sources for one secret, .*: keep one$/),
  ]);
});

test('a list on the command line replaces every endpoint, so that no token goes astray', async () => {
  await desk.write('.recorduploadrc', { webhook: { url: ops.url, token: 'fake-rc' } });
  const flags = { webhooks: [{ name: 'default', url: 'http://127.0.0.1:9999/', token: 'fake-sandbox' }] };
  const env = { WEBHOOK_SECRET: SIGNING_SECRET, WEBHOOK_TOKEN: 'fake-env', WEBHOOK_URL: ops.url };
  expect((await desk.load(env, { flags })).config.webhooks).toEqual([
    { name: 'default', url: 'http://127.0.0.1:9999/', token: 'fake-sandbox', secrets: [], enabled: true },
  ]);
});

test('an empty list is no endpoint', async () => {
  await desk.write('.recorduploadrc', { webhooks: [] });
  expect((await desk.load({ WEBHOOK_TOKEN: 'fake-token' })).config.webhooks).toEqual([]);
});
