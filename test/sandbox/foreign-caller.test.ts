import { request } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { cleanUp, sandbox } from './support.ts';

afterEach(cleanUp);

/** Status and message of a request to a control address, with headers as a browser would set them. */
async function ask(
  base: string,
  path: string,
  { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: Record<string, string>; body?: string },
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${base}${path}`, { method, headers, agent: false }, answer => {
      let text = '';
      answer.setEncoding('utf8').on('data', chunk => (text += chunk));
      answer.once('end', () => resolve({ status: answer.statusCode, body: text }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

const RULE = JSON.stringify({ server: 's3', action: { answer: { status: 500 } } });

describe('the control addresses refuse what a web page could send', () => {
  test.each([
    ['a name that was pointed at this machine', { host: 'attacker.example' }],
    ['the same with a port', { host: 'attacker.example:8080' }],
    ['a name that begins like loopback', { host: '127.0.0.1.attacker.example' }],
    ['another machine’s address', { host: '192.0.2.1' }],
    ['a page of another site', { origin: 'https://attacker.example' }],
    ['a page from a file', { origin: 'null' }],
    ['a page on another port', { 'sec-fetch-site': 'same-site' }],
    ['an image in a page', { 'sec-fetch-site': 'cross-site' }],
  ])('%s', async (_, headers: Record<string, string>) => {
    const box = await sandbox();
    for (const base of [box.s3.url, box.receiver.baseUrl]) {
      expect((await ask(base, '/__requests', { headers })).status).toBe(403);
      expect((await ask(base, '/__faults', { method: 'POST', headers, body: RULE })).status).toBe(403);
      expect((await ask(base, '/__requests', { method: 'DELETE', headers })).status).toBe(403);
    }
    expect((await ask(box.receiver.baseUrl, '/__auth_failures', { headers })).status).toBe(403);
    expect(box.faults.list()).toEqual([]);
  });

  test.each(['localhost', 'LOCALHOST:1', '127.0.0.1', '127.8.9.10:80', '[::1]:80'])(
    'a program that names %s is served',
    async host => {
      const { s3 } = await sandbox();
      expect(await ask(s3.url, '/__requests', { headers: { host } })).toEqual({ status: 200, body: '[]' });
    },
  );

  test('a person who types the address is served', async () => {
    const { s3 } = await sandbox();
    expect((await ask(s3.url, '/__requests', { headers: { 'sec-fetch-site': 'none' } })).status).toBe(200);
  });
});
