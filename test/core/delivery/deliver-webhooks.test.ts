import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DeliverDeps, deliverWebhooks, type Selection } from '../../../src/core/delivery/deliver-webhooks.ts';
import type { CoreEvent } from '../../../src/core/events.ts';
import type { Endpoint } from '../../../src/core/webhook/endpoint.ts';
import type { PostRequest, PostResult } from '../../../src/core/webhook/post-result.ts';
import { createPoster } from '../../../src/core/webhook/post-webhook.ts';
import { passYear } from '../../delivery/year.ts';
import { claimedOf } from '../../state/conformance/facts.ts';
import {
  accept,
  answerJson,
  confirmation,
  endpointAt,
  enqueue,
  type Handler,
  openTestState,
  type Receiver,
  seededRandom,
  startReceiver,
  type TestState,
  type VirtualClock,
  virtualClock,
} from '../webhook/support.ts';

const TOKEN = 'fake-token-for-tests';
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 1);
let state: TestState;
let clock: VirtualClock;
let events: CoreEvent[];
let ends: (() => unknown)[];
beforeEach(async () => {
  state = await openTestState();
  clock = virtualClock(NOW);
  events = [];
  ends = [() => state.remove()];
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
});

async function receiver(handler?: Handler): Promise<Receiver> {
  const made = await startReceiver(handler);
  ends.push(() => made.close());
  return made;
}
function realPost(timeoutMs?: number): DeliverDeps['post'] {
  const poster = createPoster({ userAgent: 'recordupload/0.0.0', timeoutMs });
  ends.push(() => poster.close());
  return poster.post;
}
function run(endpoints: Endpoint[], more: Partial<Selection> = {}, deps: Partial<DeliverDeps> = {}) {
  return deliverWebhooks(
    { due: 'due', held: false, trigger: 'retry', ...more },
    {
      state,
      endpoints,
      post: deps.post ?? realPost(),
      clock,
      random: seededRandom(),
      observer: event => events.push(event),
      concurrency: 8,
      ...deps,
    },
  );
}
/** All of them in one commit. */
function enqueueMany(count: number, endpoints = ['default']) {
  return Promise.all(Array.from({ length: count }, (_, index) => enqueue(state, index + 1, { endpoints })));
}
/** A post that answers at once, without a network. */
function fakePost(status: number, more: Partial<Extract<PostResult, { kind: 'answer' }>> = {}) {
  return async (request: PostRequest): Promise<PostResult> => ({
    kind: 'answer',
    status,
    body: status < 300 ? JSON.stringify(confirmation(JSON.parse(request.body).recording_id)) : '',
    contentType: 'application/json',
    truncated: false,
    retryAfter: undefined,
    date: undefined,
    location: undefined,
    timings: { total: 1 },
    ...more,
  });
}
const states = async () => (await state.outbox.list({})).map(d => d.heldReason ?? d.state);
const fail: Handler = (_, response) => answerJson(response, 500, { status: 'error', message: 'down' });

describe('one delivery', () => {
  it('is sent, recorded and announced', async () => {
    const server = await receiver();
    const [queued] = await enqueue(state, 3);
    const { webhookId, seq } = queued!.delivery;
    const report = await run([endpointAt(server.url)], { trigger: 'upload', deliverySeqs: [seq] });
    expect(report.deliveries).toMatchObject([
      {
        recordingId: '3',
        webhookId,
        outcome: 'delivered',
        action: 'created',
        status: 201,
        line: '✅ Webhook sent successfully',
        detail: '',
      },
    ]);
    expect(await state.outbox.history('3')).toMatchObject([
      {
        delivery: { state: 'delivered', attempts: 1 },
        attempts: [{ number: 1, trigger: 'upload', at: NOW, outcome: 'delivered', status: 201 }],
      },
    ]);
    expect(events).toMatchObject([
      { type: 'webhook-sending', url: server.url, webhookId, trigger: 'upload' },
      { type: 'webhook-answered', line: '✅ Webhook sent successfully', outcome: 'delivered', status: 201 },
    ]);
    expect((await run([endpointAt(server.url)])).deliveries).toEqual([]);
    expect(server.received).toHaveLength(1);
  });

  it('follows the schedule, same id and bytes, and is held at its end; an operator starts it anew', async () => {
    const server = await receiver(fail);
    await enqueue(state, 3);
    const waits: number[] = [];
    for (let tries = 1; tries <= 10; tries++) {
      const before = clock.now();
      const { deliveries } = await run([endpointAt(server.url)], {}, { random: () => 0.999_999 });
      const { nextAt } = deliveries[0]!;
      waits.push(nextAt === undefined ? -1 : Math.round((nextAt - before) / 1000));
      if (nextAt === undefined) break;
      clock.set(nextAt - 1);
      expect((await run([endpointAt(server.url)])).deliveries).toEqual([]);
      clock.set(nextAt);
    }
    expect(waits).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, -1]);
    expect(await states()).toEqual(['exhausted']);
    expect(new Set(server.received.map(({ body }) => body)).size).toBe(1);
    expect((await run([endpointAt(server.url)], { held: true })).deliveries).toMatchObject([{ outcome: 'pending' }]);
    expect((await state.outbox.list({}))[0]).toMatchObject({ retries: 1, attempts: 11 });
  });

  it.each([
    ['429 with seconds', { status: 429, retryAfter: '3600' }, HOUR],
    ['503 with a date', { status: 503, retryAfter: new Date(NOW + 2 * HOUR).toUTCString() }, 2 * HOUR],
    ['500 with too long a time', { status: 500, retryAfter: '99999999' }, 24 * HOUR],
    ['425 with none', { status: 425, retryAfter: '0' }, 1000],
  ])('waits as Retry-After says, over restarts: %s', async (_, { status, retryAfter }, expected) => {
    await enqueue(state, 3);
    await run([endpointAt('http://127.0.0.1:1/')], {}, { post: fakePost(status, { retryAfter }) });
    expect((await state.outbox.list({}))[0]!.nextAt - NOW).toBe(expected);
  });

  it('that was not sent is in the report all the same when it was asked for', async () => {
    const [old] = await enqueue(state, 3, { title: 'old' });
    const [current] = await enqueue(state, 3, { title: 'new' });
    const seqs = [old!.delivery.seq, current!.delivery.seq];
    const claims = state.claims;
    const candidates = await claims.candidates({ endpoint: 'default', dueBy: NOW });
    const [claimed] = await claims.claim(candidates, 1, NOW, { restart: false });
    const busy = await run([endpointAt('http://127.0.0.1:1/')], { deliverySeqs: seqs, due: 'now' });
    expect(busy.deliveries.map(({ outcome }) => outcome)).toEqual(['superseded', 'busy']);
    await claims.release([claimedOf(claimed)]);
    const off = await run([endpointAt('http://127.0.0.1:1/', { enabled: false })], { recordingIds: ['3'] });
    expect(off).toMatchObject({ deliveries: [{ outcome: 'pending' }], endpoints: [{ stopped: 'off', left: 1 }] });
  });

  it('interrupted under way is recorded as such, and free for the next run', async () => {
    const server = await receiver(() => {});
    await enqueueMany(20);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const report = await run([endpointAt(server.url)], {}, { signal: controller.signal });
    expect(report.endpoints).toMatchObject([{ stopped: 'interrupted', sent: 3, left: 17 }]);
    expect(report.deliveries.map(({ outcome }) => outcome)).toEqual(['interrupted', 'interrupted', 'interrupted']);
    const after = await state.outbox.list({});
    expect(after.every(d => d.state === 'pending' && d.retries === 0 && d.nextAt === NOW)).toBe(true);
    expect((await run([endpointAt((await receiver()).url)])).endpoints).toMatchObject([{ sent: 20, left: 0 }]);
  });

  it('leaves no secret behind that the server echoes', async () => {
    const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
    const server = await receiver(({ headers }, response) =>
      answerJson(response, 404, {
        status: 'error',
        message: `${headers['x-webhook-token']} ${secret} ${Buffer.from(`u:${TOKEN}`).toString('base64')}`,
      }),
    );
    await enqueue(state, 3);
    const report = await run([endpointAt(server.url, { secrets: [secret] })]);
    const other = new DatabaseSync(join(state.dir, 'state.db'));
    other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    other.close();
    const kept = readdirSync(state.dir)
      .filter(name => name.startsWith('state.db'))
      .map(name => readFileSync(join(state.dir, name), 'latin1'));
    const everything = [JSON.stringify(report), JSON.stringify(events), ...kept].join();
    expect(everything).toContain('***');
    for (const part of [TOKEN, secret.slice(6), Buffer.from(TOKEN).toString('base64').slice(2, 20)])
      expect(everything).not.toContain(part);
  });
});

describe('endpoints', () => {
  it('that are dead cost a few probes, and delay no other', async () => {
    const othersDone = Promise.withResolvers<void>();
    // Hangs until all others have been told: whoever waited for it would never be.
    const dead = await receiver(async (_, response) => {
      await othersDone.promise;
      response.destroy();
    });
    const good = await receiver();
    await enqueueMany(500, ['dead', 'good']);
    let told = 0;
    const observer = (event: CoreEvent) => {
      if (event.type === 'webhook-answered' && event.endpoint === 'good' && ++told === 500) othersDone.resolve();
    };
    const report = await run(
      [endpointAt(dead.url, { name: 'dead' }), endpointAt(good.url, { name: 'good' })],
      {},
      { observer },
    );
    expect(report.endpoints).toMatchObject([
      { endpoint: 'dead', sent: 3, left: 497, stopped: 'failing' },
      { endpoint: 'good', sent: 500, left: 0, stopped: undefined },
    ]);
    const untouched = (await state.outbox.list({ endpoint: 'dead' })).filter(d => d.attempts === 0 && d.nextAt === NOW);
    expect(untouched).toHaveLength(497);
  });

  it('that die during a run are left alone soon after', async () => {
    let answered = 0;
    const server = await receiver((request, response) => (++answered > 100 ? fail : accept)(request, response));
    await enqueueMany(300);
    const report = await run([endpointAt(server.url)]);
    expect(report.endpoints[0]!.sent).toBeGreaterThanOrEqual(110);
    expect(report.endpoints[0]!.sent).toBeLessThan(120);
  });

  it('that refuse hold everything; a new token releases it by itself, the old one does not', async () => {
    const server = await receiver((request, response) =>
      request.headers['x-webhook-token'] === 'fake-new-token'
        ? accept(request, response)
        : answerJson(response, 401, { status: 'error', message: 'Invalid or missing authentication token' }),
    );
    await enqueueMany(50);
    const report = await run([endpointAt(server.url)]);
    expect(report.endpoints).toMatchObject([{ stopped: 'refused' }]);
    expect(report.deliveries[0]!.line).toBe('❌ Webhook authentication failed');
    const probes = server.received.length;
    expect(probes).toBeLessThanOrEqual(3);
    expect(new Set(await states())).toEqual(new Set(['refused']));

    const [later] = await enqueue(state, 51);
    const again = await run([endpointAt(server.url)], { trigger: 'upload', deliverySeqs: [later!.delivery.seq] });
    expect(again.deliveries).toMatchObject([{ outcome: 'held', detail: expect.stringContaining('webhook.token') }]);
    expect(server.received).toHaveLength(probes);

    await run([endpointAt(server.url)], { held: true });
    expect(server.received).toHaveLength(probes + 1);

    const released = await run([endpointAt(server.url, { token: 'fake-new-token' })]);
    expect(released.endpoints).toMatchObject([{ sent: 51, left: 0 }]);
    expect(new Set(await states())).toEqual(new Set(['delivered']));
  });

  it('whose token was put right on the server’s side go on when an operator asks', async () => {
    await enqueueMany(10);
    await run(
      [endpointAt('http://127.0.0.1:1/')],
      {},
      { post: fakePost(403, { body: '{"status":"error","message":"no"}' }) },
    );
    const report = await run([endpointAt('http://127.0.0.1:1/')], { held: true }, { post: fakePost(201) });
    expect(report.endpoints).toMatchObject([{ sent: 10 }]);
    expect((await state.endpoints.get('default')).refusedAt).toBeNull();
  });

  describe('that refuse some tokens', () => {
    const refusal = { status: 'error', message: 'Invalid or missing authentication token' };
    const openReceiver = (accepts: (token: string) => boolean) =>
      receiver((request, response) =>
        accepts(String(request.headers['x-webhook-token']))
          ? accept(request, response)
          : answerJson(response, 401, refusal),
      );
    const as = (server: Receiver, token: string) => [endpointAt(server.url, { token })];
    const countOf = (server: Receiver, token: string) =>
      server.received.filter(({ headers }) => headers['x-webhook-token'] === token).length;

    it('get all from the configuration whose token is good, and no more from the other one', async () => {
      const server = await openReceiver(token => token === 'fake-good');
      await enqueueMany(20);
      await run(as(server, 'fake-bad'), {}, { concurrency: 1 });
      expect(countOf(server, 'fake-bad')).toBe(1);
      expect((await run(as(server, 'fake-good'))).endpoints).toMatchObject([{ sent: 20, left: 0 }]);
      for (const id of [21, 22, 23]) {
        const [queued] = await enqueue(state, id);
        const left = await run(as(server, 'fake-bad'), { deliverySeqs: [queued!.delivery.seq] });
        expect(left.deliveries).toMatchObject([
          { outcome: 'pending', detail: expect.stringContaining('others who share the state send its webhooks') },
        ]);
        expect((await run(as(server, 'fake-good'))).endpoints).toMatchObject([{ sent: 1 }]);
      }
      expect(countOf(server, 'fake-bad')).toBe(1);
      expect(await state.endpoints.get('default')).toMatchObject({ hasSender: true });
    });

    it('cost each bad token one refusal, whoever runs in turn; a corrected one sends all', async () => {
      const server = await openReceiver(token => token === 'fake-good');
      await enqueueMany(20);
      for (let turn = 0; turn < 4; turn++) {
        for (const token of ['fake-bad', 'fake-worse']) await run(as(server, token), {}, { concurrency: 1 });
        await enqueue(state, `later-${turn}`);
      }
      expect([countOf(server, 'fake-bad'), countOf(server, 'fake-worse')]).toEqual([1, 1]);
      await run(as(server, 'fake-bad'));
      expect(new Set(await states())).toEqual(new Set(['refused']));
      expect((await run(as(server, 'fake-good'))).endpoints).toMatchObject([{ sent: 24, left: 0 }]);
    });

    it('get no second bad token more than once, however many POSTs may be under way', async () => {
      const server = await openReceiver(() => false);
      await enqueueMany(20);
      await run(as(server, 'fake-bad'));
      await run(as(server, 'fake-worse'));
      expect(countOf(server, 'fake-worse')).toBe(1);
    });

    it('tell of a delivery that met the refusal that it is due for the others', async () => {
      const server = await openReceiver(token => token === 'fake-good');
      await enqueueMany(1);
      await run(as(server, 'fake-bad'));
      await run(as(server, 'fake-good'));
      const [queued] = await enqueue(state, 2);
      const report = await run(as(server, 'fake-worse'), { deliverySeqs: [queued!.delivery.seq] });
      expect(report.deliveries).toMatchObject([{ outcome: 'pending', status: 401 }]);
      expect(await states()).toEqual(['delivered', 'pending']);
    });

    it('get the rest of a run that the refusal of another token has interrupted', async () => {
      let refused: Promise<void> | undefined;
      const meetRefusal = async () => {
        const [queued] = await enqueue(state, 'other');
        await run(as(server, 'fake-bad'), { due: 'now', deliverySeqs: [queued!.delivery.seq] });
        expect(new Set(await states())).toContain('refused');
      };
      const server = await receiver(async (request, response) => {
        if (request.headers['x-webhook-token'] !== 'fake-good') return answerJson(response, 401, refusal);
        refused ??= meetRefusal();
        await refused;
        accept(request, response);
      });
      await enqueueMany(30);
      const report = await run(as(server, 'fake-good'), {}, { concurrency: 2 });
      expect(report.endpoints).toMatchObject([{ sent: 31, left: 0 }]);
      expect(report.deliveries).toHaveLength(31);
    });
  });

  it('that are gone are disabled until they are enabled', async () => {
    await enqueueMany(5);
    const endpoint = endpointAt('http://127.0.0.1:1/');
    const report = await run([endpoint], {}, { post: fakePost(410), concurrency: 1 });
    expect(report.deliveries).toMatchObject([{ outcome: 'disabled', line: '❌ Webhook failed with status 410' }]);
    expect((await run([endpoint], { held: true, due: 'now' }, { post: fakePost(201) })).endpoints).toMatchObject([
      { stopped: 'disabled', sent: 0, left: 4 },
    ]);
    await state.endpoints.enable('default', NOW);
    expect((await run([endpoint], {}, { post: fakePost(201) })).endpoints).toMatchObject([{ sent: 5 }]);
  });

  it('that limit the rate are waited for, if they ask for little', async () => {
    let second = -1;
    let inSecond = 0;
    const post = async (request: PostRequest) => {
      const current = Math.floor(clock.now() / 1000);
      inSecond = current === second ? inSecond + 1 : 1;
      second = current;
      return inSecond <= 10 ? fakePost(201)(request) : fakePost(429, { retryAfter: '1' })(request);
    };
    await enqueueMany(100);
    const report = await run([endpointAt('http://127.0.0.1:1/')], {}, { post });
    expect(report.endpoints).toMatchObject([{ sent: 100, left: 0, stopped: undefined }]);
    expect((await states()).filter(s => s === 'delivered').length).toBeGreaterThan(50);
    const long = await run(
      [endpointAt('http://127.0.0.1:1/')],
      { due: 'now' },
      { post: fakePost(429, { retryAfter: '60' }) },
    );
    expect(long.endpoints).toMatchObject([{ stopped: 'throttled' }]);
  });
});

describe('many', () => {
  it('processes at once send each delivery once', async () => {
    const server = await receiver();
    await enqueueMany(800);
    const worker = join(import.meta.dirname, 'deliver-webhooks-worker.ts');
    await Promise.all(
      Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, [worker, state.dir, server.url])),
    );
    const ids = server.received.map(({ body }) => JSON.parse(body).recording_id);
    expect(ids).toHaveLength(800);
    expect(new Set(ids).size).toBe(800);
    expect(new Set(await states())).toEqual(new Set(['delivered']));
  });

  it('through a year of outages: each is tried as the schedule says, evenly spread', async () => {
    const { posts, states: ends, lastTries } = await passYear(200);
    expect(posts).toBe(2000);
    expect(ends).toEqual(['exhausted']);
    expect(lastTries.length).toBeGreaterThan(40);
    expect(Math.max(...lastTries)).toBeLessThan(20);
  });
});
