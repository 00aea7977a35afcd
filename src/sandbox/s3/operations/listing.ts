import { type Call, parameter } from '../call.ts';
import { S3Error } from '../errors.ts';

/** S3's order of names: by their UTF-8 bytes. */
export function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * How names go into a list's XML: percent-encoded where the client asks so (XML cannot carry every character).
 * @throws S3Error `InvalidArgument`
 */
export function encoderFor(call: Call): (name: string) => string {
  const type = parameter(call, 'encoding-type');
  if (type === undefined) return name => name;
  if (type === 'url') return name => encodeURIComponent(name).replaceAll('%2F', '/');
  throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request');
}
