import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll } from '@jest/globals';

/** What STS and SSO hand out. */
export interface TemporaryKeys {
  accessKeyId: string;
  secretAccessKey: string;
}

/** One request that came in: its path, its headers, and the fields of its form. */
export interface Asked {
  path: string;
  headers: IncomingMessage['headers'];
  form: Record<string, string>;
}

export interface AwsServices {
  url: string;
  asked: Asked[];
  /** Answers everything with this status and an error instead. */
  failWith(status: number, code: string): void;
}

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/**
 * A stand-in for the AWS services that give temporary keys, on loopback: STS (AssumeRole, AssumeRoleWithWebIdentity) and
 * the portal of SSO (GetRoleCredentials). It answers any host name, so that it can stand in for a proxy as well.
 */
export async function startAwsServices(keys: TemporaryKeys): Promise<AwsServices> {
  const asked: Asked[] = [];
  let failure: { status: number; code: string } | undefined;
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    asked.push({ path, headers: request.headers, form });
    if (failure) {
      const { status, code } = failure;
      const error = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no ${code}</Message></Error></ErrorResponse>`;
      response.writeHead(status, { 'content-type': 'text/xml' }).end(error);
    } else if (path.includes('/federation/credentials')) {
      const { accessKeyId, secretAccessKey } = keys;
      const roleCredentials = { accessKeyId, secretAccessKey, sessionToken: 'fake-session', expiration: 4102444800000 };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ roleCredentials }));
    } else {
      response.writeHead(200, { 'content-type': 'text/xml' }).end(assumed(String(form.Action), keys));
    }
  });
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    failWith: (status, code) => {
      failure = { status, code };
    },
  };
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
function assumed(action: string, { accessKeyId, secretAccessKey }: TemporaryKeys): string {
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials>
<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>
<SessionToken>fake-session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</${action}Result></${action}Response>`;
}
