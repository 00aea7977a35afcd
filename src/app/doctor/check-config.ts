import type { LoadedConfig } from '../../config/load-config.ts';
import type { Origin } from '../../config/origins.ts';
import { requireToken } from '../../config/requirements.ts';
import { AppError } from '../../core/errors.ts';
import type { Check, Finding } from './check.ts';

/** The check of a configuration that cannot be loaded: its problems, one by one. */
export function brokenConfigCheck(error: AppError): Check {
  const findings = error.message.split('\n').map(detail => ({
    name: 'configuration',
    status: 'failure' as const,
    detail,
    fix: error.hint ?? 'correct it, then check it with recordupload config validate',
  }));
  return { name: 'configuration', area: 'setup', run: () => findings };
}

/** What is configured and where it comes from, and what is missing for uploads and webhooks. */
export function checkConfig({ config, origins, files, warnings }: LoadedConfig): Finding[] {
  const name = 'configuration';
  const endpoints = config.webhooks.filter(endpoint => endpoint.enabled);
  const set = origins.filter(one => one.source !== 'default' && one.source !== 'not set');
  const used = files.filter(one => one.state === 'used').map(one => one.file);
  const from = used.length === 0 ? 'no file' : used.join(', ');
  const values = `${set.length} ${set.length === 1 ? 'value' : 'values'} set`;
  const findings: Finding[] = [
    { name, status: 'ok', detail: `${values}; ${from}`, more: set.map(originText) },
    ...warnings.map(detail => ({ name, status: 'warning' as const, detail, fix: 'correct or remove it' })),
  ];
  if (set.length === 0) {
    findings.push({
      name,
      status: 'warning',
      detail: 'nothing is configured yet',
      fix: 'recordupload config init writes a configuration file',
    });
  }
  const keys = origins.filter(one => one.secret && one.value === 'set');
  findings.push({
    name: 'secrets',
    status: 'ok',
    detail: `${keys.length} set; other users can read none of their files`,
  });
  if (!config.credentials) {
    const detail = config.credentialsProblem ?? 'no access keys for the bucket are configured';
    const fix =
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or accessKeyId and secretAccessKey in .recorduploadrc';
    findings.push({ name: 'access keys', status: 'failure', detail, fix });
  }
  for (const endpoint of endpoints) {
    try {
      requireToken(endpoint);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      findings.push({ name: 'webhook token', status: 'failure', detail: error.message, fix: error.hint });
    }
  }
  if (endpoints.length === 0) {
    const detail = 'no webhook endpoint is switched on: the server is not told about uploads';
    findings.push({ name: 'webhook', status: 'warning', detail });
  }
  if (!config.user.email) {
    const fix = 'set user.email (RECORDUPLOAD_USER_EMAIL), or give --email';
    const detail = 'no user.email: webhooks of recordings without an e-mail address of their own cannot be sent';
    findings.push({ name: 'e-mail address', status: 'warning', detail, fix });
  }
  return findings;
}

function originText({ path, value, secret, source, trust }: Origin): string {
  const level = trust === undefined || trust === 'operator' ? '' : `, ${trust}`;
  return `${path} = ${secret ? value : JSON.stringify(value)}  (${source}${level})`;
}
