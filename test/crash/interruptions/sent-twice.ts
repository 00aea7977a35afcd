import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { ID } from './machine.ts';
import type { Memory } from './memory.ts';
import type { Plan } from './plan.ts';

const SENDING: ReadonlySet<string> = new Set(['PutObject', 'CreateMultipartUpload', 'UploadPart']);
const METADATA_KEY = `${ID}/metadata.json`;

/** What must not be sent any more from some request on, whatever else happens. */
export interface Safe {
  fromRequest: number;
  /** `<key> <number>` */
  parts: ReadonlySet<string>;
  keys: ReadonlySet<string>;
}

/**
 * What a dead run leaves behind for good: all that the bucket has, its answer seen or not, as its ETags tell whose bytes
 * those are; of a store with other ETags, what the state has noted.
 */
export function safeNow({ s3 }: Sandbox, memory: Memory, etags: Plan['etags']): Safe {
  const there = s3.uploads().flatMap(({ key, parts }) => parts.map(({ partNumber }) => `${key} ${partNumber}`));
  const noted = memory.parts.map(({ name, number }) => `${ID}/${name} ${number}`);
  const objects = s3.objects().map(({ key }) => key);
  const uploaded = memory.uploaded.map(name => `${ID}/${name}`);
  return {
    fromRequest: s3.requests().length,
    parts: new Set(etags === 'md5' ? [...there, ...noted] : noted),
    keys: new Set((etags === 'md5' ? [...objects, ...uploaded] : uploaded).filter(key => key !== METADATA_KEY)),
  };
}

/**
 * Requests that sent what was safe already, and parts that were stored twice within one run (or by two at once), in
 * words. A part without an answer does not count: its sender was killed, and a rival may go on with it at once.
 */
export function sentTwice({ s3 }: Sandbox, safes: readonly Safe[]): string[] {
  const requests = s3.requests();
  const again = safes.flatMap(({ fromRequest, parts, keys }, index) =>
    requests.slice(fromRequest).flatMap(({ operation, key, partNumber }) => {
      if (!SENDING.has(operation)) return [];
      const isSafe = keys.has(key) || (operation === 'UploadPart' && parts.has(`${key} ${partNumber}`));
      return isSafe ? [`${operation} ${key} ${partNumber ?? ''} although it was safe after run ${index + 1}`] : [];
    }),
  );
  const borders = [0, ...safes.map(({ fromRequest }) => fromRequest), requests.length];
  const within = borders.slice(1).flatMap((to, index) => {
    const sent = requests
      .slice(borders[index], to)
      .filter(request => request.operation === 'UploadPart' && request.status === 200);
    const byPart = Map.groupBy(sent, ({ key, partNumber }) => `${key} ${partNumber}`);
    return [...byPart].flatMap(([part, ones]) =>
      ones.length > 1 ? [`run ${index + 1} stored part ${part} ${ones.length} times`] : [],
    );
  });
  return [...again, ...within];
}
