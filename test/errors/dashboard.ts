import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { mediaLink } from '../../src/app/media-link.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { parseAction } from '../../src/dashboard/actions/request.ts';
import { unknownAction } from '../../src/dashboard/routes/actions.ts';
import type { Desk } from '../support/desk.ts';
import type { Made, Meeting } from './meeting.ts';

const exit = EXIT.usage;
const command = ['dashboard', '--no-open'];
const file = (desk: Desk, name: string, text: string, mode = 0o600) =>
  writeFileSync(join(desk.cwd, name), text, { mode });
const TOKEN = { RECORDUPLOAD_DASHBOARD_TOKEN_FILE: 'dashboard-token' };
const CERTIFICATE = { RECORDUPLOAD_DASHBOARD_TLS_CERT: 'cert.pem', RECORDUPLOAD_DASHBOARD_TLS_KEY: 'key.pem' };
const WHERE = 'the dashboard cannot listen on 0.0.0.0, which other machines can reach';
const SHOW = 'recordupload config show says where each value comes from';

export const DASHBOARD: readonly Meeting[] = [
  {
    says: `${WHERE}, without a token`,
    hint: 'set dashboard.tokenFile, or listen on 127.0.0.1 and use ssh -L 8707:127.0.0.1:8707',
    exit,
    meet: () => [...command, '--listen', '0.0.0.0:8707'],
  },
  {
    says: `${WHERE}, without TLS`,
    hint: 'set dashboard.tlsCert and dashboard.tlsKey, or name the proxy that does TLS in dashboard.trustedProxies',
    exit,
    env: TOKEN,
    meet: desk => {
      file(desk, 'dashboard-token', 'fake-dashboard-token');
      return [...command, '--listen', '0.0.0.0:8707'];
    },
  },
  {
    says: 'the dashboard cannot listen on …: another program listens there',
    hint: 'choose another address or port with --listen, such as --listen 127.0.0.1:0 for any free port',
    exit,
    meet: async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      server.unref();
      return [...command, '--listen', `127.0.0.1:${(server.address() as AddressInfo).port}`];
    },
  },
  {
    says: '--listen: expected an address and a port such as 127.0.0.1:8707 or [::1]:8707, got "x:y"',
    exit,
    meet: () => [...command, '--listen', 'x:y'],
  },
  {
    says: 'RECORDUPLOAD_DASHBOARD_TRUSTED_PROXIES: expected an IP address or a range such as 10.0.0.0/8, got "proxy"',
    exit,
    env: { RECORDUPLOAD_DASHBOARD_TRUSTED_PROXIES: 'proxy' },
    meet: () => command,
  },
  {
    says: 'dashboard.tlsCert and dashboard.tlsKey belong together: set both',
    hint: SHOW,
    exit,
    env: { RECORDUPLOAD_DASHBOARD_TLS_CERT: 'cert.pem' },
    meet: () => command,
  },
  {
    says: 'RECORDUPLOAD_DASHBOARD_TOKEN_FILE: …/dashboard-token is shorter than 16 characters (the value is not shown): make one with openssl rand -hex 32',
    hint: SHOW,
    exit,
    env: TOKEN,
    meet: desk => {
      file(desk, 'dashboard-token', 'too-short');
      return command;
    },
  },
  {
    says: '…/cert.pem cannot be read (ENOENT)',
    hint: 'check dashboard.tlsCert and dashboard.tlsKey',
    exit,
    env: CERTIFICATE,
    meet: () => command,
  },
  {
    says: '…/cert.pem and …/key.pem are no certificate and its private key (PEM)',
    hint: 'check dashboard.tlsCert and dashboard.tlsKey',
    exit,
    env: CERTIFICATE,
    meet: desk => {
      file(desk, 'cert.pem', 'nothing');
      file(desk, 'key.pem', 'nothing');
      return command;
    },
  },
  {
    says: 'the state folder … is not used: …/state.db is a folder, not a file',
    hint: 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder of your own',
    exit,
    meet: ({ stateDir }) => {
      mkdirSync(join(stateDir, 'state.db'), { recursive: true });
      return command;
    },
  },
];

const asked = (query: string, says: string, hint: string): Made => ({
  says,
  hint,
  exit,
  make: () => parseAction(new URLSearchParams(query), Date.UTC(2026, 0, 1)),
});

export const DASHBOARD_MADE: readonly Made[] = [
  asked('action=x', 'there is no such action', 'retry, discard, replay, enable, disable'),
  asked('action=discard', 'nothing is selected', 'go back and select some webhooks'),
  asked('action=enable', 'no endpoint is named', 'choose one on the overview'),
  asked('action=retry&webhook=3', 'a webhook is not named rightly', 'go back and load the page again'),
  asked('action=replay&since=x', 'the span is not a time', 'choose where it begins'),
  asked('action=replay&since=5&until=4', 'the span ends before it begins', 'choose a later end'),
  {
    says: 'this action is not known any more',
    hint: 'the dashboard forgets its actions when it is restarted; the log has them',
    exit,
    make: () => {
      throw unknownAction();
    },
  },
  {
    says: 'no file of that name of recording 3 was uploaded from this machine',
    hint: 'recordupload status 3 lists its files',
    exit,
    make: async () => {
      const overview = async () => undefined;
      return await mediaLink({ id: '3', name: 'video.mkv', expiresInSeconds: 1, download: false }, {
        overview,
      } as unknown as Parameters<typeof mediaLink>[1]);
    },
  },
];
