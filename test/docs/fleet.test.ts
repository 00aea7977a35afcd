import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithPostgres } from '../state/postgres/support.ts';
import { openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { type Cluster, findPostgres, startCluster } from '../support/postgres.ts';
import { codeBlocks, page, read } from './support.ts';

const FLEET = page('docs/fleet.md');

test('the drop-in of its service hands over the URL under the name that the program reads', () => {
  expect(read('packaging/systemd/fleet.conf')).toMatch(/^LoadCredential=state-url:/m);
  expect(read('src/config/fleet.ts')).toContain("credential: 'state-url'");
});

describeWithPostgres('the page about fleets', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(async () => {
    await cluster?.remove();
  });

  test('its set-up, followed to the letter, makes a state that a machine moves into', async () => {
    for (const statement of codeBlocks(FLEET, 'sql').join('').split(';\n').filter(Boolean))
      await cluster.run(statement);
    const desk = openDesk(await openSandbox());
    const id = freshId();
    expect(await desk.run(['upload', makeRecording({ name: id })])).toMatchObject({ code: 0 });

    const env = { RECORDUPLOAD_STATE_URL: cluster.url('recordupload', { user: 'recordupload' }) };
    const lines = codeBlocks(FLEET, 'sh').flatMap(block => block.split('\n'));
    const line = (part: string) => {
      const found = lines
        .find(one => one.includes(part))
        ?.split('|')[0]
        ?.trim()
        .split(' ')
        .slice(1);
      if (!found) throw new Error(`the page has no line with ${part}`);
      return found;
    };
    const sql = await desk.run(line('state sql'), { env });
    expect(sql).toMatchObject({ code: 0, stderr: '' });
    const psql = join(findPostgres() ?? '', 'psql');
    const connection = ['-h', cluster.dir, '-p', String(cluster.port), '-U', 'postgres'];
    execFileSync(psql, [...connection, '-d', 'recordupload', '-q', '-v', 'ON_ERROR_STOP=1'], { input: sql.stdout });

    expect(await desk.run(line('--dry-run'), { env })).toMatchObject({ code: 0 });
    expect(await desk.run(['state', 'move', '--to', 'postgres'], { env })).toMatchObject({ code: 0 });
    const status = await desk.run(['status'], { env });
    expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('1 done') });
  });
});
