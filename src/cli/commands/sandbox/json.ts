import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { sandboxEnvironment } from '../../own-sandbox.ts';

/** The result of `sandbox --json`, printed once both servers run. The secrets are worth nothing elsewhere. */
export interface AddressesJson {
  s3: { endpoint: string; bucket: string; region: string; accessKeyId: string; secretAccessKey: string };
  webhook: { url: string; token: string; recordings: string; requests: string; authFailures: string };
  /** The variables that point recordupload at the sandbox. */
  environment: Record<string, string>;
}

export function addressesJson(sandbox: Sandbox): AddressesJson {
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
