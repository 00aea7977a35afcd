import { FURTHEST_MS } from '../core/delivery/claims.ts';
import type { Fingerprint } from '../core/delivery/refusal.ts';
import { get, run, type Script } from './transfer/script.ts';

/*
 * Which tokens an endpoint's server has refused, and where, whichever database remembers it: in `refused_fingerprint` as
 * JSON, so that no schema changes. Versions before wrote one hash there, with its salt in `refused_salt`.
 */

/** A token that was refused. It stays known for a while after the last machine has another one. */
interface RefusedToken extends Fingerprint {
  at: number;
  seenAt: number;
  /** Those that have this token; empty text: written by a state of one machine, or by an earlier version. */
  machines: string[];
}

/** Somebody who has a token that was not refused. */
interface Sender {
  machine: string;
  tag: string;
  seenAt: number;
}

export interface TokenMemory {
  refused: readonly RefusedToken[];
  senders: readonly Sender[];
}

/** Who asks: the machine, and its token under each known salt. */
export interface TokenHolder {
  machine: string;
  own: readonly Fingerprint[];
}

/** No webhook waits longer by its schedule, so whoever can send has looked within this time. */
const REMEMBER_MS = FURTHEST_MS;
/** What was seen is noted again after this time, not with each run. */
const RENEW_MS = 60 * 60 * 1000;
const MOST_REFUSED = 64;

const NOTHING: TokenMemory = { refused: [], senders: [] };

/** The memory in a row of `endpoints`; what is damaged counts as nothing. */
export function readMemory(row: Readonly<Record<string, unknown>> | undefined): TokenMemory {
  const { refused_fingerprint: text, refused_salt: salt, refused_at: at } = row ?? {};
  if (typeof text !== 'string') return NOTHING;
  if (typeof salt === 'string') {
    const since = Number(at ?? 0);
    return { refused: [{ hash: text, salt, at: since, seenAt: since, machines: [''] }], senders: [] };
  }
  try {
    const { refused, senders } = JSON.parse(text) as TokenMemory;
    return refused.every(one => Array.isArray(one.machines)) && Array.isArray(senders) ? { refused, senders } : NOTHING;
  } catch {
    return NOTHING;
  }
}

/** Within a write: changes what is remembered of an endpoint. @returns what it is now */
export function* changeMemory(name: string, work: (before: TokenMemory) => TokenMemory): Script<TokenMemory> {
  const before = readMemory(yield* get('SELECT * FROM endpoints WHERE name = $name', { name }));
  const after = work(before);
  if (JSON.stringify(after) === JSON.stringify(before)) return after;
  yield* run(
    `INSERT INTO endpoints (name, refused_fingerprint, refused_salt, refused_at)
     VALUES ($name, $fingerprint, NULL, $refusedAt)
     ON CONFLICT (name) DO UPDATE SET refused_fingerprint = $fingerprint, refused_salt = NULL, refused_at = $refusedAt`,
    { name, ...columnsOf(after) },
  );
  return after;
}

/** The columns of `endpoints` that keep a memory. */
function columnsOf(memory: TokenMemory): { fingerprint: string | null; refusedAt: number | null } {
  if (memory.refused.length === 0) return { fingerprint: null, refusedAt: null };
  const times = current(memory).map(({ at }) => at);
  return { fingerprint: JSON.stringify(memory), refusedAt: times.length === 0 ? null : Math.max(...times) };
}

/** What was refused, to compare a token with. */
export function refusalsIn({ refused }: TokenMemory): Fingerprint[] {
  return refused.map(({ hash, salt }) => ({ hash, salt }));
}

/** The machines whose token is refused, by name; an empty text for one whose name is not known. */
export function refusedOn(memory: TokenMemory): string[] {
  return [...new Set(current(memory).flatMap(({ machines }) => machines))].sort();
}

/** Whether somebody has a token that was not refused, as far as is known. */
export function hasSender({ senders }: TokenMemory): boolean {
  return senders.length > 0;
}

/** Whether what is pending is to be held, where this token is the caller's. */
export function isHolding({ refused, senders }: TokenMemory, own: readonly Fingerprint[]): boolean {
  return senders.length === 0 && refused.some(one => own.some(token => isSame(one, token)));
}

/** After the server refused a token of this machine. */
export function afterRefusal(memory: TokenMemory, token: Fingerprint, machine: string, now: number): TokenMemory {
  const known = memory.refused.find(one => isSame(one, token));
  const machines = [...new Set([...(known?.machines ?? []), machine])];
  const others = memory.refused.filter(one => one !== known);
  const refused = [...others, { hash: token.hash, salt: token.salt, at: now, seenAt: now, machines }];
  return tidied(
    { refused, senders: withoutSender({ refused, senders: memory.senders }, { machine, own: [token] }) },
    now,
  );
}

/** After a machine has seen that its token is one that was refused; unchanged if it is none. */
export function afterLeaving(memory: TokenMemory, holder: TokenHolder, now: number): TokenMemory {
  const refused = memory.refused.map(one => {
    if (!holder.own.some(token => isSame(one, token))) return one;
    const machines = [...new Set([...one.machines, holder.machine])];
    return { ...one, machines, seenAt: renewed(one.seenAt, now) };
  });
  const isKnown = refused.some(one => holder.own.some(token => isSame(one, token)));
  return isKnown ? tidied({ refused, senders: withoutSender(memory, holder) }, now) : memory;
}

/** After a machine has seen that its token is none of those, or that the server accepts it again. */
export function afterUse(memory: TokenMemory, holder: TokenHolder, now: number): TokenMemory {
  const { machine, own } = holder;
  const before = memory.senders.find(one => isSender(one, memory, holder));
  const refused = memory.refused
    .filter(one => !own.some(token => isSame(one, token)))
    .map(one => ({ ...one, machines: one.machines.filter(name => name !== machine && name !== '') }));
  const sender = { machine, tag: tagOf(memory, own), seenAt: before ? renewed(before.seenAt, now) : now };
  return tidied({ refused, senders: [...withoutSender(memory, holder), sender] }, now);
}

/**
 * What is known here and what came from another state.
 * @param machine whose state that is; undefined: the state here is of one machine, which needs no name
 */
export function withMemory(here: TokenMemory, other: TokenMemory, machine: string | undefined): TokenMemory {
  const named = (name: string) => (name === '' ? (machine ?? '') : name);
  const refused = [...here.refused];
  for (const one of other.refused) {
    const index = refused.findIndex(known => isSame(known, one));
    const known = refused[index];
    const machines = [...new Set([...(known?.machines ?? []), ...one.machines.map(named)])];
    const both = {
      ...one,
      at: Math.max(known?.at ?? 0, one.at),
      seenAt: Math.max(known?.seenAt ?? 0, one.seenAt),
      machines,
    };
    refused.splice(index < 0 ? refused.length : index, index < 0 ? 0 : 1, both);
  }
  const senders = other.senders.map(one => ({ ...one, machine: named(one.machine) }));
  const isNew = (one: Sender) => !here.senders.some(({ machine, tag }) => machine === one.machine && tag === one.tag);
  return { refused, senders: [...here.senders, ...senders.filter(isNew)] };
}

function current({ refused }: TokenMemory): readonly RefusedToken[] {
  return refused.filter(({ machines }) => machines.length > 0);
}

function isSame(one: Fingerprint, other: Fingerprint): boolean {
  return one.hash === other.hash && one.salt === other.salt;
}

/**
 * Tells two configurations of one machine apart. Eight bits of the hash: a token that is not refused must not be found by
 * trying likely ones against what the state keeps.
 */
function tagOf({ refused: [first] }: TokenMemory, own: readonly Fingerprint[]): string {
  return own.find(({ salt }) => salt === first?.salt)?.hash.slice(0, 2) ?? '';
}

function isSender(one: Sender, memory: TokenMemory, { machine, own }: TokenHolder): boolean {
  const tag = tagOf(memory, own);
  return one.machine === machine && (one.tag === tag || one.tag === '' || tag === '');
}

function withoutSender(memory: TokenMemory, holder: TokenHolder): Sender[] {
  return memory.senders.filter(one => !isSender(one, memory, holder));
}

function renewed(seenAt: number, now: number): number {
  return Math.abs(now - seenAt) > RENEW_MS ? now : seenAt;
}

function tidied({ refused, senders }: TokenMemory, now: number): TokenMemory {
  const kept = refused.filter(one => one.machines.length > 0 || now - one.seenAt < REMEMBER_MS).slice(-MOST_REFUSED);
  return { refused: kept, senders: senders.filter(({ seenAt }) => now - seenAt < REMEMBER_MS) };
}
