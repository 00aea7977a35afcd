import { rmSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

/* An ID that neither the state nor the bucket knows is unknown: every command says so in the same words. */

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});

const commands = (id: string): string[][] => [
  ['status', id],
  ['retry', id],
  ['retry', id, '--list'],
  ['forget', id],
  ['webhook', 'history', id],
  ['webhook', 'discard', id],
  ['webhook', 'send', id],
  ['webhook', 'send', id, '--dry-run'],
  ['verify', id],
  ['verify', id, '--full', '--links'],
  ['logs', '--id', id],
];
const UNKNOWN = 'recording unheard-of is not known on this machine';

async function deskWithState(): Promise<Desk> {
  const desk = openDesk(sandbox);
  expect((await desk.run(['upload', makeRecording()])).code).toBe(0);
  return desk;
}

describe('an unknown ID', () => {
  test.each(commands('unheard-of'))('%s %s %s: exit 2, in the same words', async (...args) => {
    const line = args.filter(arg => arg !== undefined);
    for (const desk of [await deskWithState(), openDesk(sandbox)]) {
      const { code, stdout, stderr } = await desk.run(line);
      expect({ code, stdout, stderr }).toEqual({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(`error: ${UNKNOWN} (`) as unknown,
      });
      const document = readJson(await desk.run([...line, '--json']));
      expect(document.error).toMatchObject({ code: 'USAGE', message: UNKNOWN, hint: /list/ });
      // What the hint names runs.
      for (const [, hinted] of stderr.matchAll(/recordupload ([a-z]+(?: unheard-of)?)/g))
        expect([0, 2]).toContain((await desk.run((hinted ?? '').split(' '))).code);
    }
    expect(webhooksOf(sandbox, 'unheard-of')).toEqual([]);
  });

  test('is not one that another machine has uploaded: the hint of status finds it', async () => {
    const id = freshId();
    expect((await openDesk(sandbox).run(['upload', makeRecording({ name: id })])).code).toBe(0);
    const here = openDesk(sandbox);
    const { code, stderr } = await here.run(['status', id]);
    const [, hinted] = /recordupload (verify \d+)/.exec(stderr) ?? [];
    expect([code, hinted]).toEqual([2, `verify ${id}`]);
    expect((await here.run((hinted ?? '').split(' '))).code).toBe(0);
    expect((await here.run(['webhook', 'send', id])).code).toBe(0);
  });

  test('is not one that this machine has uploaded and that has left the bucket', async () => {
    const gone = await openSandbox();
    const desk = openDesk(gone);
    const id = freshId();
    const dir = makeRecording({ name: id });
    expect((await desk.run(['upload', dir])).code).toBe(0);
    rmSync(dir, { recursive: true });
    const empty = await openSandbox();
    await gone.close();
    const env = { RECORDUPLOAD_ENDPOINT: empty.s3.url };
    expect((await desk.run(['verify', id], { env })).code).toBe(7);
    expect((await desk.run(['status', id], { env })).code).toBe(0);
  });

  test('is not one whose folder was refused', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    expect((await desk.run(['upload', makeRecording({ name: id, videoBytes: 0 })])).code).toBe(3);
    expect((await desk.run(['webhook', 'history', id])).code).toBe(0);
    expect((await desk.run(['webhook', 'discard', id])).code).toBe(0);
    expect((await desk.run(['logs', '--id', id])).code).toBe(0);
    expect((await desk.run(['verify', id])).code).toBe(7);
    expect((await desk.run(['webhook', 'send', id])).code).toBe(5);
  });

  test('is not certain to a key that may not list: verify fails as for one that is missing', async () => {
    const desk = await deskWithState();
    sandbox.s3.deny(['ListObjectsV2']);
    const { code, stderr } = await desk.run(['verify', 'unheard-of']);
    sandbox.s3.deny([]);
    expect({ code, stderr }).toEqual({ code: 7, stderr: expect.stringContaining('no metadata.json') as unknown });
  });
});
