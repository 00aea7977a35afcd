import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Endpoint } from '../webhook/endpoint.ts';

/** What a server refused, so that it can be recognised and not read: a salted hash, both in hexadecimal. */
export interface Fingerprint {
  hash: string;
  salt: string;
}

/** What makes an endpoint another one in the eyes of a server that refused it. */
export type Refused = Pick<Endpoint, 'url' | 'token' | 'secrets'>;

const HASH_BYTES = 32;
const SALT_BYTES = 16;

/** The fingerprint of an endpoint's URL, token and secrets. Costs 40 ms of another thread: it slows down guessing. */
export async function fingerprintOf(
  endpoint: Refused,
  salt: string = randomBytes(SALT_BYTES).toString('hex'),
): Promise<Fingerprint> {
  const { url, token, secrets } = endpoint;
  const text = JSON.stringify([url, token ?? null, ...secrets]);
  const hash = await hashOf(text, Buffer.from(salt, 'hex'), HASH_BYTES, {});
  return { hash: hash.toString('hex'), salt };
}

/** The endpoint's fingerprint under the salt of each refusal: what `isRefused` and the state compare. */
export async function fingerprintsOf(endpoint: Refused, refusals: readonly Fingerprint[]): Promise<Fingerprint[]> {
  const salts = [...new Set(refusals.map(({ salt }) => salt))];
  return await Promise.all(salts.map(salt => fingerprintOf(endpoint, salt)));
}

/** True if one of these is what the server refused. */
export function isRefused(own: readonly Fingerprint[], refusals: readonly Fingerprint[]): boolean {
  return refusals.some(refusal => own.some(one => isSame(one, refusal)));
}

function isSame(one: Fingerprint, other: Fingerprint): boolean {
  const [current, known] = [Buffer.from(one.hash, 'hex'), Buffer.from(other.hash, 'hex')];
  return one.salt === other.salt && known.length === current.length && timingSafeEqual(known, current);
}

const hashOf = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);
