import type { FaultControl } from './faults/faults.ts';
import { parseFaultRule } from './faults/parse-rule.ts';
import { foreignCaller } from './foreign-caller.ts';
import type { Exchange } from './http/exchange.ts';
import { json, type Reply } from './http/reply.ts';

/** What a server shows and takes on its `/__…` paths, outside its own protocol. */
export interface Controlled {
  faults: FaultControl;
  requests(): readonly unknown[];
  resetRequests(): void;
  /** Further lists to read, by path. */
  lists?: Record<string, () => unknown>;
}

const MAX_BODY_BYTES = 64 * 1024;

/**
 * Answers `/__requests` (GET, DELETE), `/__faults` (GET, POST a rule or a list of them, DELETE) and the server's own
 * lists; undefined for every other path. Web pages get a 403: the lists hold what was sent to the sandbox, and a fault
 * rule changes what it answers.
 */
export async function control(exchange: Exchange, controlled: Controlled): Promise<Reply | undefined> {
  const { method = 'GET' } = exchange.req;
  const foreign = foreignCaller(exchange.req);
  if (foreign !== undefined) return json(403, { message: foreign });
  const list = controlled.lists?.[exchange.rawPath];
  if (list) return method === 'GET' ? json(200, list()) : notAllowed('GET');
  switch (exchange.rawPath) {
    case '/__requests':
      if (method === 'GET') return json(200, controlled.requests());
      if (method !== 'DELETE') return notAllowed('GET, DELETE');
      controlled.resetRequests();
      return { status: 204 };
    case '/__faults':
      if (method === 'GET') return json(200, shown(controlled.faults));
      if (method === 'POST') return addFaults(exchange, controlled.faults);
      if (method !== 'DELETE') return notAllowed('GET, POST, DELETE');
      controlled.faults.clear();
      return { status: 204 };
    default:
      return undefined;
  }
}

async function addFaults(exchange: Exchange, faults: FaultControl): Promise<Reply> {
  const chunks: Buffer[] = [];
  await exchange.read(chunk => {
    if (exchange.bodyBytes <= MAX_BODY_BYTES) chunks.push(chunk);
  });
  if (exchange.bodyBytes > MAX_BODY_BYTES) return json(413, { message: 'too many rules at once' });
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    // All are read before any is added: half a list in force would be a riddle.
    const rules = (Array.isArray(value) ? value : [value]).map(parseFaultRule);
    for (const rule of rules) faults.add(rule);
    return json(201, shown(faults));
  } catch (error) {
    return json(400, { message: error instanceof Error ? error.message : String(error) });
  }
}

/** The rules as JSON can carry them. */
function shown(faults: FaultControl): unknown[] {
  return faults.list().map(({ rule, ...counts }) => ({
    rule: rule.times === Infinity ? { ...rule, times: 'Infinity' } : rule,
    ...counts,
  }));
}

function notAllowed(allow: string): Reply {
  return json(405, { message: `use ${allow}` }, { Allow: allow });
}
