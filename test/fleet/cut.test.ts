import { once } from 'node:events';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { describeWithPostgres } from '../state/postgres/support.ts';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { type Cluster, startCluster } from '../support/postgres.ts';

/** Passes connections on to the database, until it is cut. */
interface Cable {
  port: number;
  /**
   * Is cut when the program sends for the n-th time from now on.
   * @param how `before`: that does not reach the server; `after`: it does, and the answer is lost
   */
  cutAt(n: number, how: 'before' | 'after'): void;
  /** True once it was. */
  readonly isCut: boolean;
  mend(): void;
  close(): void;
}

async function layCable(to: number): Promise<Cable> {
  const sockets = new Set<Socket>();
  let left = Number.POSITIVE_INFINITY;
  let how: 'before' | 'after' = 'before';
  let isCut = false;
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  const server: Server = createServer(client => {
    if (isCut) return void client.destroy();
    const database = connectTo(to, '127.0.0.1');
    let isDeaf = false;
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        database.destroy();
      });
    }
    client.on('data', data => {
      if (--left > 0 || isCut) return void database.write(data);
      if (how === 'before') return cut();
      isDeaf = true;
      database.write(data);
      // The server has done what it was asked to when it answers.
      database.once('data', cut);
    });
    database.on('data', data => {
      if (!isDeaf) client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    cutAt(n, given) {
      left = n;
      how = given;
      isCut = false;
    },
    get isCut() {
      return isCut;
    },
    mend() {
      left = Number.POSITIVE_INFINITY;
      isCut = false;
    },
    close() {
      cut();
      server.close();
    },
  };
}

describeWithPostgres('the cable to the database is cut', () => {
  let sandbox: Sandbox;
  let cluster: Cluster;
  let cable: Cable;
  beforeAll(async () => {
    sandbox = await openSandbox();
    cluster = await startCluster();
    cable = await layCable(cluster.port);
  });
  afterAll(async () => {
    cable?.close();
    await cluster?.remove();
  });

  test.each(['before', 'after'] as const)(
    'at any step of an upload (%s it reaches the server), and each webhook is sent once',
    async how => {
      const database = await cluster.createDatabase();
      const desk = openDesk(sandbox, {
        RECORDUPLOAD_STATE_URL: `postgres://postgres@127.0.0.1:${cable.port}/${database}`,
        RECORDUPLOAD_MACHINE: 'studio-a',
        RECORDUPLOAD_SETTLE: '0s',
      });
      // Makes the schema.
      await desk.run(['upload', makeRecording()]);
      let cuts = 0;
      for (let n = 3; ; n += 27) {
        const id = freshId();
        const dir = makeRecording({ name: id });
        cable.cutAt(n, how);
        const upload = await desk.run(['upload', dir]);
        const wasCut = cable.isCut;
        cable.mend();
        expect({ n, ...upload }).toMatchObject({ n, code: 0 });
        expect(await desk.run(['retry', '--now'])).toMatchObject({ code: 0 });
        const rows = await cluster.run(
          `SELECT recordings.state, deliveries.state AS webhook, attempts FROM recordupload.recordings
             LEFT JOIN recordupload.deliveries ON recording_id = id WHERE id = '${id}'`,
          database,
        );
        expect({ n, rows, sent: webhooksOf(sandbox, id).length }).toEqual({
          n,
          rows: [{ state: 'done', webhook: 'delivered', attempts: 1 }],
          sent: 1,
        });
        if (!wasCut) break;
        cuts++;
      }
      expect(cuts).toBeGreaterThan(3);
      expect(await cluster.run('SELECT * FROM recordupload.begun_uploads', database)).toEqual([]);
    },
    300_000,
  );
});
