import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';
import { moveIn, QUICK, startWorker, until } from './support.ts';

/* The worker as a service: what systemd hears, SIGHUP, and the unit file. */

const sandbox = await openSandbox();
const receivers: ReturnType<typeof spawn>[] = [];
afterEach(async () => {
  for (const receiver of receivers.splice(0)) {
    receiver.kill('SIGKILL');
    await once(receiver, 'exit');
  }
});

/** A socket in place of systemd's. */
async function openNotifySocket(): Promise<{ path: string; messages: string[] }> {
  const path = join(tempDir(), 'notify');
  const receiver = spawn('perl', [join(import.meta.dirname, 'notify-receiver.pl'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  receivers.push(receiver);
  const messages: string[] = [];
  createInterface({ input: receiver.stdout }).on('line', line => messages.push(line));
  await until('the receiver listens', () => messages.length > 0);
  return { path, messages };
}

describe('what the service manager hears', () => {
  test('that it is ready, that it works, what it does, that it reloads, and that it stops', async () => {
    const { path, messages } = await openNotifySocket();
    const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000', PATH: process.env.PATH };
    const worker = await startWorker(sandbox, { env });
    const heard = (text: string) => messages.some(line => line.includes(text));
    await until('READY', () => heard('READY=1'));
    await until('WATCHDOG', () => heard('WATCHDOG=1'));
    await until('STATUS', () => heard('STATUS=0 uploads under way, 0 recordings not finished'));
    worker.kill('SIGHUP');
    await until('RELOADING', () => heard('RELOADING=1'));
    await worker.stop();
    await until('STOPPING', () => heard('STOPPING=1'));
    const reloading = messages.findIndex(line => line.includes('RELOADING=1'));
    expect(messages[reloading]).toMatch(/MONOTONIC_USEC=\d+/);
    expect(messages.slice(reloading).some(line => line.includes('READY=1'))).toBe(true);
  });
});

describe('SIGHUP', () => {
  const write = (cwd: string, settings: object) =>
    writeFileSync(join(cwd, '.recorduploadrc'), JSON.stringify(settings), { mode: 0o600 });

  test('reads the configuration again', async () => {
    const desk = openDesk(sandbox, QUICK);
    write(desk.cwd, { uploadSource: 'before' });
    const worker = await startWorker(sandbox, { desk });
    const [one, two] = [freshId(), freshId()];
    moveIn(worker.root, { name: one });
    await until('the first webhook', () => webhooksOf(sandbox, one).length > 0);
    write(desk.cwd, { uploadSource: 'after' });
    worker.kill('SIGHUP');
    await worker.prints('the configuration was read again');
    moveIn(worker.root, { name: two });
    await until('the second webhook', () => webhooksOf(sandbox, two).length > 0);
    expect(webhooksOf(sandbox, one)).toMatchObject([{ body: { upload_source: 'before' } }]);
    expect(webhooksOf(sandbox, two)).toMatchObject([{ body: { upload_source: 'after' } }]);
    expect((await desk.run(['watch'])).code).toBe(6);
  });

  test('with a broken one is refused with its problems, and the old one goes on', async () => {
    const desk = openDesk(sandbox, QUICK);
    const worker = await startWorker(sandbox, { desk });
    write(desk.cwd, { settle: 'soon', regin: 'x' });
    worker.kill('SIGHUP');
    const text = await worker.prints('the new configuration is refused, the old one goes on');
    expect(text).toMatch(/refused, the old one goes on: .*settle: expected a duration.*; .*regin/);
    const id = freshId();
    moveIn(worker.root, { name: id });
    await worker.prints(`✔ ${id}: uploaded 3 files`);
  });
});

describe('the unit file', () => {
  const unit = resolve(import.meta.dirname, '../../packaging/systemd/recordupload.service');

  test('is rated below 3 by systemd-analyze security', async () => {
    const child = spawn('systemd-analyze', ['security', '--offline=true', '--no-pager', unit]);
    let text = '';
    child.stdout.on('data', chunk => {
      text += String(chunk);
    });
    await once(child, 'close');
    const rating = /Overall exposure level for recordupload.service: (\d+\.\d)/.exec(text);
    expect(Number(rating?.[1])).toBeLessThan(3);
  });

  test('hands the secrets over as credentials, and lets the sender of notifications speak', () => {
    const text = readFileSync(unit, 'utf8');
    expect(text).toContain('LoadCredential=webhook-token:');
    expect(text).toMatch(/^Type=notify$/m);
    expect(text).toMatch(/^NotifyAccess=all$/m);
    expect(text).toMatch(/^ProtectSystem=strict$/m);
    expect(text).toMatch(/^NoNewPrivileges=yes$/m);
  });
});
