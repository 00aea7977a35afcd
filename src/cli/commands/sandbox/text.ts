import { shellQuoted } from '../../../core/shell-quoted.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { sandboxEnvironment } from '../../own-sandbox.ts';

/**
 * The addresses of both servers, and how to use them from another terminal.
 * @param email of a user whom the recordings server knows
 */
export function introduction(sandbox: Sandbox, { email }: { email: string }): string[] {
  const { s3, receiver } = sandbox;
  return [
    `S3 server            ${s3.url}  (bucket ${s3.bucket})`,
    `recordings server    ${receiver.url}`,
    `received recordings  ${receiver.baseUrl}/recordings/`,
    '',
    'Configuration for another terminal (the keys and the token are worth nothing elsewhere):',
    ...Object.entries(sandboxEnvironment(sandbox)).map(([name, value]) => `  export ${name}=${value}`),
    `  export RECORDUPLOAD_USER_EMAIL=${shellQuoted(email)}`,
    '',
    'Then: recordupload upload <dir>.  Ctrl-C ends the sandbox.',
  ];
}
