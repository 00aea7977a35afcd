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

/** True if this is what the server refused. */
export async function isRefused(endpoint: Refused, refusal: Fingerprint | undefined): Promise<boolean> {
  if (!refusal) return false;
  const { hash } = await fingerprintOf(endpoint, refusal.salt);
  const [current, known] = [Buffer.from(hash, 'hex'), Buffer.from(refusal.hash, 'hex')];
  return known.length === current.length && timingSafeEqual(known, current);
}

const hashOf = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);
