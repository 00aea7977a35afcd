import { describe, expect, it } from '@jest/globals';
import { createRedactor } from '../../../src/core/redact.ts';
import { judge } from '../../../src/core/webhook/outcome.ts';
import type { Answer } from '../../../src/core/webhook/post-result.ts';

const TOKEN = 'fake-token-for-tests';
const SENT = { url: 'https://ops.example.org/recordings/webhook', recordingId: '3', email: 'ada@example.org' };

const page = (title: string, body: string) => `<!DOCTYPE html>
<html lang="en"><head><title>${title}</title></head><body>${body}</body></html>`;

interface Foreign extends Partial<Answer> {
  from: string;
  status: number;
  body: string;
  says: RegExp;
}

const HTML = { contentType: 'text/html; charset=utf-8' };
const JSON_TYPE = { contentType: 'application/json; charset=utf-8' };
const TEXT = { contentType: 'text/plain; charset=utf-8' };

/** What programs before the recordings server, and the framework below it, really answer. */
const FOREIGN: readonly Foreign[] = [
  {
    from: "Django's CSRF protection",
    status: 403,
    ...HTML,
    body: page(
      '403 Forbidden',
      '<div id="summary"><h1>Forbidden <span>(403)</span></h1><p>CSRF verification failed. Request aborted.</p></div>',
    ),
    says: /an HTML page \("403 Forbidden"\); Django's CSRF protection/,
  },
  {
    from: "Django's ALLOWED_HOSTS",
    status: 400,
    ...HTML,
    server: 'gunicorn',
    body: `\n<!doctype html>\n<html lang="en">\n<head>\n  <title>Bad Request (400)</title>\n</head>\n<body>\n  <h1>Bad Request (400)</h1><p></p>\n</body>\n</html>\n`,
    says: /\("Bad Request \(400\)", from gunicorn\); Django answers like this if ops\.example\.org is not in its ALLOWED_HOSTS/,
  },
  {
    from: "Django's ALLOWED_HOSTS, with DEBUG",
    status: 400,
    ...HTML,
    body: page('DisallowedHost at /recordings/webhook/', '<h1>DisallowedHost at /recordings/webhook/</h1>'),
    says: /ALLOWED_HOSTS/,
  },
  {
    from: "Django's page for an unknown path",
    status: 404,
    ...HTML,
    body: page('Not Found', '<h1>Not Found</h1><p>The requested resource was not found on this server.</p>'),
    says: /check the path in webhook\.url \(\/recordings\/webhook\), including the slash at its end/,
  },
  {
    from: "Django REST framework's login",
    status: 401,
    ...JSON_TYPE,
    body: '{"detail":"Authentication credentials were not provided."}',
    says: /JSON of another program \("Authentication credentials were not provided\."\); a proxy or gateway/,
  },
  {
    from: 'nginx, a password',
    status: 401,
    ...HTML,
    server: 'nginx/1.22.1',
    body: '<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n<center><h1>401 Authorization Required</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n',
    says: /\("401 Authorization Required", from nginx\/1\.22\.1\); a proxy or gateway before the server wants a login/,
  },
  {
    from: 'nginx, the size of a body',
    status: 413,
    ...HTML,
    server: 'nginx',
    body: '<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body></body>\r\n</html>\r\n',
    says: /too large for it; check the limits of any proxy/,
  },
  {
    from: 'nginx, a method',
    status: 405,
    ...HTML,
    server: 'nginx',
    body: '<html>\r\n<head><title>405 Not Allowed</title></head>\r\n<body></body>\r\n</html>\r\n',
    says: /\("405 Not Allowed", from nginx\); check webhook\.url, and any proxy/,
  },
  {
    from: "Cloudflare's firewall",
    status: 403,
    ...HTML,
    server: 'cloudflare',
    body: page('Attention Required! | Cloudflare', '<h1>Sorry, you have been blocked</h1>'),
    says: /\("Attention Required! \| Cloudflare", from cloudflare\); a firewall or gateway blocks/,
  },
  {
    from: "Cloudflare's error as text",
    status: 403,
    ...TEXT,
    server: 'cloudflare',
    body: 'error code: 1010',
    says: /something else \("error code: 1010", from cloudflare\)/,
  },
  {
    from: 'Kong without a route',
    status: 404,
    ...JSON_TYPE,
    server: 'kong/3.4.2',
    body: '{\n  "message":"no Route matched with those values"\n}',
    says: /JSON of another program \("no Route matched with those values", from kong\/3\.4\.2\); check the path/,
  },
  {
    from: "Kong's key-auth",
    status: 401,
    ...JSON_TYPE,
    server: 'kong/3.4.2',
    body: '{"message":"No API key found in request"}',
    says: /"No API key found in request"/,
  },
  {
    from: "Amazon's API gateway",
    status: 403,
    ...JSON_TYPE,
    body: '{"message":"Missing Authentication Token"}',
    says: /"Missing Authentication Token"\); a firewall or gateway/,
  },
  {
    from: 'Traefik without a route',
    status: 404,
    ...TEXT,
    body: '404 page not found\n',
    says: /something else \("404 page not found"\)/,
  },
  {
    from: 'HAProxy',
    status: 403,
    contentType: 'text/html',
    body: '<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n',
    says: /\("403 Forbidden"\)/,
  },
  {
    from: 'gunicorn',
    status: 400,
    contentType: 'text/html',
    body: '<html>\n  <head>\n    <title>Bad Request</title>\n  </head>\n  <body>\n    <h1><p>Bad Request</p></h1>\n    Invalid Header\n  </body>\n</html>\n',
    says: /\("Bad Request"\)/,
  },
  { from: 'Caddy, nothing said', status: 404, server: 'Caddy', body: '', says: /an empty body \(from Caddy\)/ },
  { from: 'a bare 401', status: 401, body: '', says: /an empty body; a proxy or gateway before the server/ },
  {
    from: 'a proxy that compresses unasked',
    status: 401,
    ...JSON_TYPE,
    contentEncoding: 'gzip',
    body: '\u001f\ufffd\b\u0000',
    says: /a response in the coding gzip, which was not asked for/,
  },
  {
    from: 'the contract, cut short',
    status: 401,
    ...JSON_TYPE,
    truncated: true,
    body: '{"status":"error","message":"Invalid or missing authentication tok',
    says: /something else/,
  },
  {
    from: 'an address that a proxy says is gone',
    status: 410,
    ...HTML,
    server: 'nginx',
    body: page('410 Gone', ''),
    says: /\("410 Gone", from nginx\)/,
  },
];

const answer = ({ from: _, says: __, ...more }: Foreign): Answer => ({
  kind: 'answer',
  contentType: undefined,
  truncated: false,
  retryAfter: undefined,
  date: undefined,
  location: undefined,
  timings: { total: 1 },
  ...more,
});

describe('a response that is not the contract’s', () => {
  it.each(FOREIGN.map(one => [`${one.from} (${one.status})`, one] as const))(
    '%s: the webhook waits, and neither token, e-mail nor payload is blamed',
    (_, foreign) => {
      const judgement = judge(answer(foreign), SENT, createRedactor([TOKEN]));
      expect(judgement).toMatchObject({ outcome: 'pending', heldReason: undefined });
      expect(judgement.detail).toMatch(foreign.says);
      expect(judgement.detail).toContain(`something before the server answered with status ${foreign.status}: `);
      expect(judgement.detail).not.toMatch(/webhook\.token|user\.email|payload is wrong|--held|enable/);
    },
  );

  it('quotes no secret, and nothing that a terminal obeys', () => {
    for (const body of [
      `token ${TOKEN}`,
      JSON.stringify({ message: `token ${TOKEN}` }),
      page(`token ${TOKEN}`, ''),
      ...Array.from({ length: 30 }, (_, cut) => 'x'.repeat(75 + cut) + TOKEN),
    ]) {
      const { detail } = judge(
        answer({ from: '', says: /x/, status: 403, body, server: `x ${TOKEN} \u001b[31m` }),
        SENT,
        createRedactor([TOKEN]),
      );
      expect(detail).not.toMatch(/fake-|\u001b/);
    }
  });
});

describe('a response of the contract', () => {
  const own = (status: number, message: string) =>
    judge(
      answer({ from: '', says: /x/, status, body: JSON.stringify({ status: 'error', message }) }),
      SENT,
      createRedactor([TOKEN]),
    );

  it.each([
    [401, 'Invalid or missing authentication token', 'refused', /webhook\.token/],
    [403, 'This address is not allowed', 'refused', /check the token/],
    [404, 'No user found with email: ada@example.org', 'rejected', /user\.email/],
    [400, 'Missing required fields: recording_id or user_info.email', 'rejected', /payload is wrong/],
    [404, 'No such page', 'rejected', /rejects the request with status 404: "No such page"$/],
  ] as const)('%d "%s" is the server’s own', (status, message, heldReason, says) => {
    expect(own(status, message)).toMatchObject({ outcome: 'held', heldReason, detail: expect.stringMatching(says) });
  });
});
