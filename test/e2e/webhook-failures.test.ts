import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { FaultAction } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

interface ListResult {
  uploads: unknown[];
  deliveries: { recordingId: string; state: string; heldReason: string | null; attempts: number; nextAt: string }[];
}

const list = async (desk: Desk) => readJson<ListResult>(await desk.run(['retry', '--list', '--json'])).result;
const answer = (status: number, body?: string, headers?: Record<string, string>): FaultAction => ({
  answer: { status, ...(body !== undefined && { body }), ...(headers && { headers }) },
});
const html = { 'content-type': 'text/html' };
const FAILED_UPLOADED = '⚠️ Webhook failed but upload succeeded';

interface Story {
  name: string;
  action: FaultAction;
  line: string;
  state: 'pending' | 'held';
  /** What the summary says, in plain words. */
  says: RegExp;
}

const STORIES: Story[] = [
  { name: '500', action: answer(500), line: '❌ Webhook failed with status 500', state: 'pending', says: /status 500/ },
  { name: '503', action: answer(503), line: '❌ Webhook failed with status 503', state: 'pending', says: /503/ },
  {
    name: '400',
    action: answer(400, '{"status":"error","message":"Missing required fields: recording_id or user_info.email"}'),
    line: '❌ Webhook failed with status 400',
    state: 'held',
    says: /Missing required fields/,
  },
  {
    name: 'an HTML page',
    action: answer(200, '<!doctype html><title>Log in</title>', html),
    line: '❌ Webhook failed with status 200',
    state: 'pending',
    says: /an HTML page/,
  },
  {
    name: 'an empty body',
    action: answer(200, ''),
    line: '❌ Webhook failed with status 200',
    state: 'pending',
    says: /an empty body/,
  },
  {
    name: '100 MB',
    action: answer(200, 'x'.repeat(100_000_000)),
    line: '❌ Webhook failed with status 200',
    state: 'pending',
    says: /something else/,
  },
  {
    name: 'nothing: the connection is cut',
    action: { drop: 'before' },
    line: '❌ Webhook connection failed',
    state: 'pending',
    says: /connection/,
  },
  {
    name: 'half an answer',
    action: { truncateTo: 10 },
    line: '❌ Webhook connection failed',
    state: 'pending',
    says: /connection/,
  },
];

describe('a webhook that fails does not fail the upload', () => {
  test.each(STORIES)('$name', async ({ action, line, state, says }) => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const id = freshId();
    sandbox.faults.add({ server: 'webhook', action });
    const { code, stdout, stderr } = await desk.run(['upload', makeRecording({ name: id })]);
    expect(code).toBe(0);
    expect(stdout).toMatch(says);
    expect(stdout).toContain(`next: recordupload retry ${state === 'held' ? '--held' : '--now'} ${id}`);
    for (const text of [line, FAILED_UPLOADED]) expect(stderr).toContain(text);
    expect(desk.log()).toEqual(
      expect.arrayContaining([`📤 Sending webhook to ${sandbox.receiver.url}`, line, FAILED_UPLOADED]),
    );
    expect((await list(desk)).deliveries).toMatchObject([{ recordingId: id, state, attempts: 1 }]);

    const retried = await desk.run(['retry', state === 'held' ? '--held' : '--now', id]);
    expect(retried).toMatchObject({ code: 0, stdout: '1 of 1 webhook delivered\n' });
    expect(webhooksOf(sandbox, id).at(-1)).toMatchObject({
      body: { uploaded_files: { video: expect.anything() as unknown } },
    });
    expect(await list(desk)).toEqual({ uploads: [], queued: [], refused: [], deliveries: [], unconfigured: [] });
  });

  test('401: held with all others of the endpoint, and sent by itself once the token is right', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox, { WEBHOOK_TOKEN: 'fake-old-token-1' });
    const [first, second] = [freshId(), freshId()];
    const { code, stdout, stderr } = await desk.run(['upload', makeRecording({ name: first })]);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('webhook held') as unknown });
    expect(stderr).toContain('❌ Webhook authentication failed');
    expect(desk.log()).toEqual(expect.arrayContaining(['❌ Webhook authentication failed', FAILED_UPLOADED]));
    // It is not hammered: the second one waits with the first.
    expect((await desk.run(['upload', makeRecording({ name: second })])).code).toBe(0);
    expect(sandbox.receiver.requests()).toHaveLength(1);
    const held = { state: 'held', heldReason: 'refused' };
    expect((await list(desk)).deliveries).toMatchObject([held, held]);

    const retried = await desk.run(['retry'], { env: { WEBHOOK_TOKEN: sandbox.receiver.token } });
    expect(retried).toMatchObject({ code: 0, stdout: '2 of 2 webhooks delivered\n' });
  });

  test.each([401, 403])('%d of a firewall: that webhook alone waits, and the next one is sent', async status => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const [first, second] = [freshId(), freshId()];
    const answer = {
      status,
      headers: { 'content-type': 'text/html', server: 'nginx' },
      body: '<title>Blocked</title>',
    };
    sandbox.faults.add({ server: 'webhook', action: { answer } });
    const blocked = await desk.run(['upload', makeRecording({ name: first })]);
    expect(blocked.stdout).toContain(
      `something before the server answered with status ${status}: an HTML page ("Blocked", from nginx)`,
    );
    expect(blocked.stdout + blocked.stderr).not.toContain('webhook.token');
    expect((await list(desk)).deliveries).toMatchObject([{ recordingId: first, state: 'pending', heldReason: null }]);

    expect((await desk.run(['upload', makeRecording({ name: second })])).code).toBe(0);
    expect(sandbox.receiver.recording(second)).toBeDefined();
    expect(await desk.run(['retry', '--now'])).toMatchObject({ code: 0, stdout: '1 of 1 webhook delivered\n' });
  });

  test('404: the server knows no such user; held until retried', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox, { RECORDUPLOAD_USER_EMAIL: 'Operator@example.com' });
    const id = freshId();
    const dir = makeRecording({ name: id });
    const { code, stdout, stderr } = await desk.run(['upload', dir]);
    expect(code).toBe(0);
    expect(stdout).toContain('Operator@example.com');
    expect(stderr).toContain('❌ Webhook failed with status 404');
    expect((await list(desk)).deliveries).toMatchObject([{ recordingId: id, state: 'held', heldReason: 'rejected' }]);
    // The mended address makes a newer payload, which takes the held one's place.
    expect((await desk.run(['upload', dir, '--email', 'operator@example.com'])).code).toBe(0);
    expect(sandbox.receiver.recording(id)?.payload).toMatchObject({ user_info: { email: 'operator@example.com' } });
    expect((await list(desk)).deliveries).toEqual([]);
  });

  test('a redirect is not followed, and its target is told nothing', async () => {
    const sandbox = await openSandbox();
    const received: unknown[] = [];
    const target = createServer((request, response) => {
      received.push(request.headers);
      response.end();
    });
    await new Promise<void>(resolve => target.listen(0, '127.0.0.1', resolve));
    try {
      const address = `http://127.0.0.1:${(target.address() as AddressInfo).port}/elsewhere`;
      const desk = openDesk(sandbox);
      const id = freshId();
      sandbox.faults.add({ server: 'webhook', action: answer(307, '', { location: address }) });
      const { code, stdout } = await desk.run(['upload', makeRecording({ name: id })]);
      expect(code).toBe(0);
      expect(stdout).toContain(`redirects to ${address}`);
      expect(desk.log()).toContain('❌ Webhook failed with status 307');
      expect((await list(desk)).deliveries).toMatchObject([{ recordingId: id, state: 'held' }]);
      expect(received).toEqual([]);
    } finally {
      target.close();
    }
  });

  test('--strict exits with 5, and with 0 where it was delivered', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const dir = makeRecording();
    sandbox.faults.add({ server: 'webhook', action: answer(500) });
    expect((await desk.run(['upload', dir, '--strict'])).code).toBe(5);
    expect((await desk.run(['upload', dir, '--strict'])).code).toBe(0);
  });

  test('--quiet prints one line that names the next command, and exits with 0', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const id = freshId();
    sandbox.faults.add({ server: 'webhook', action: answer(500) });
    const { code, stdout, stderr } = await desk.run(['upload', makeRecording({ name: id }), '--quiet']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^recordupload: .*next: recordupload retry --now \d+\n$/);
  });

  test('--json tells it too', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    sandbox.faults.add({ server: 'webhook', action: answer(500) });
    const { result } = readJson<{ recordings: { deliveries: unknown[] }[] }>(
      await desk.run(['upload', makeRecording(), '--json']),
    );
    expect(result.recordings[0]?.deliveries).toMatchObject([{ outcome: 'pending', status: 500 }]);
  });

  test('uploading again tries again', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    sandbox.faults.add({ server: 'webhook', action: answer(400) });
    await desk.run(['upload', dir]);
    const { stdout } = await desk.run(['upload', dir]);
    expect(stdout).toContain('nothing had to be uploaded');
    expect(stdout).toContain('webhook delivered (201, created)');
    expect(webhooksOf(sandbox, id)[0]?.body).toEqual(webhooksOf(sandbox, id)[1]?.body);
  });
});
