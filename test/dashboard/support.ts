import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Desk } from '../support/desk.ts';
import type { RunningCli } from '../support/run-cli.ts';

/** What a dashboard answered. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

interface AskOptions {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as a form. */
  form?: Record<string, string> | [string, string][];
  cookie?: string;
  ca?: string;
}

/** A dashboard of the built program. */
export interface TestDashboard {
  readonly address: string;
  /** `127.0.0.1:12345` */
  readonly listensOn: string;
  readonly signInAddress: string;
  readonly run: RunningCli;
  ask(path: string, options?: AskOptions): Promise<Answer>;
  /** Uses the one-time address. @returns the cookie, as it is sent */
  signIn(): Promise<string>;
  /** The token that a page of this session sends with each change. */
  changeToken(cookie: string): Promise<string>;
  close(): Promise<void>;
}

/** Starts `recordupload dashboard` at any free port. */
export async function openDashboard(desk: Desk, args: readonly string[] = []): Promise<TestDashboard> {
  const listen = args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
  const run = desk.start(['dashboard', '--no-open', '--json', ...listen, ...args]);
  const { result } = JSON.parse(await run.printed('\n}\n')) as {
    result: { address: string; listensOn: string; signInAddress: string };
  };
  const { address, listensOn, signInAddress } = result;
  const askThis: TestDashboard['ask'] = (path, options) => ask(new URL(path, address), options);
  return {
    address,
    listensOn,
    signInAddress,
    run,
    ask: askThis,
    async signIn() {
      const { headers } = await ask(new URL(signInAddress));
      return cookieOf(headers);
    },
    async changeToken(cookie) {
      const { body } = await askThis('/', { cookie, headers: { accept: 'application/json' } });
      return (JSON.parse(body) as { frame: { changeToken: string } }).frame.changeToken;
    },
    async close() {
      run.kill('SIGTERM');
      await run.result;
    },
  };
}

/** `name=value` of the one cookie that was set. */
export function cookieOf({ 'set-cookie': set }: IncomingHttpHeaders): string {
  return set?.[0]?.split(';')[0] ?? '';
}

/** One request, without following redirects; `fetch` would not let a test choose the `Host`. */
export function ask(url: URL, { method, headers = {}, form, cookie, ca }: AskOptions = {}): Promise<Answer> {
  const body = form && new URLSearchParams(form).toString();
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        agent: false,
        ca,
        headers: {
          accept: 'text/html',
          ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...(cookie && { cookie }),
          ...headers,
        },
      },
      answer => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
