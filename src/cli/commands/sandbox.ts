import { once } from 'node:events';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { sandboxEnvironment } from '../own-sandbox.ts';
import { type Invocation, type RunCommand, textOption } from '../program/command.ts';
import { receiverRules } from '../sandbox-rules.ts';

/** `recordupload sandbox`: both servers in the foreground, until Ctrl-C. */
export const run: RunCommand = async invocation => {
  const { signal, terminal, options, command } = invocation;
  const sandbox = await start(invocation);
  try {
    if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: addresses(sandbox) }));
    else terminal.document(introduction(sandbox).join('\n'));
    if (!signal.aborted) await once(signal, 'abort');
    return EXIT.done;
  } finally {
    await sandbox.close();
  }
};

async function start({ options }: Invocation): Promise<Sandbox> {
  const dataDir = textOption(options, 'data');
  const users = options.user as string[] | undefined;
  try {
    return await startSandbox({
      ...(dataDir && { dataDir }),
      s3: { port: portOption(options, 's3Port'), discardBodies: Boolean(options.discard) },
      receiver: { port: portOption(options, 'webhookPort'), ...(users && { users }), ...receiverRules(options) },
    });
  } catch (error) {
    if (!hasErrorCode(error, 'EADDRINUSE', 'EACCES', 'ENOTDIR', 'EEXIST')) throw error;
    throw new AppError('USAGE', `the sandbox cannot start: ${error.message}`, {
      hint: 'choose other ports or another folder',
      cause: error,
    });
  }
}

function portOption(options: Invocation['options'], name: string): number {
  const text = textOption(options, name) ?? '0';
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new AppError('USAGE', `${JSON.stringify(text)} is no port`, { hint: 'use a number from 1 to 65535' });
}

function addresses(sandbox: Sandbox) {
  const { s3, receiver } = sandbox;
  return {
    s3: {
      endpoint: s3.url,
      bucket: s3.bucket,
      region: s3.region,
      accessKeyId: s3.accessKeyId,
      secretAccessKey: s3.secretAccessKey,
    },
    webhook: {
      url: receiver.url,
      token: receiver.token,
      recordings: `${receiver.baseUrl}/recordings/`,
      requests: `${receiver.baseUrl}/__requests`,
      authFailures: `${receiver.baseUrl}/__auth_failures`,
    },
    environment: sandboxEnvironment(sandbox),
  };
}

function introduction(sandbox: Sandbox): string[] {
  const { s3, receiver } = sandbox;
  return [
    `S3 server          ${s3.url}  (bucket ${s3.bucket})`,
    `recordings server  ${receiver.url}`,
    `what it received   ${receiver.baseUrl}/recordings/`,
    '',
    'Configuration for another terminal (the keys and the token are worth nothing elsewhere):',
    ...Object.entries(sandboxEnvironment(sandbox)).map(([name, value]) => `  export ${name}=${value}`),
    '  export RECORDUPLOAD_USER_EMAIL=operator@example.com',
    '',
    'Then: recordupload upload <dir>.  Ctrl-C ends the sandbox.',
  ];
}
