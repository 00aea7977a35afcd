import { shellQuoted } from '../../core/shell-quoted.ts';

/**
 * What ends an upload into a bucket that is not the configured one.
 * @param target `<endpoint>/<bucket>`
 */
export function againElsewhere(recordingId: string, target: string): string {
  const end = target.lastIndexOf('/');
  const [endpoint, bucket] = [target.slice(0, end), target.slice(end + 1)];
  const again = `recordupload retry --endpoint-url ${shellQuoted(endpoint)} --bucket ${shellQuoted(bucket)} ${recordingId}`;
  return `to finish it there, ${again}; to give it up, recordupload forget ${recordingId}`;
}
