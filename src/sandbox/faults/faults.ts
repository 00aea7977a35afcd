/** What goes wrong. Several fields in one action happen together; at least one must be there. */
export interface FaultAction {
  /** Waits so long before anything else happens. */
  delayMs?: number;
  /**
   * Reads the request whole and processes it so much later, even if the client has gone by then: a slow server with a
   * queue. The recordings server only.
   */
  lateMs?: number;
  /** Answers with this instead. */
  answer?: FaultAnswer;
  /** Cuts the connection in place of an answer, the request being received whole: processed (`after`) or not. */
  drop?: 'before' | 'after';
  /** Cuts the connection once so many bytes of the request's body have come in; the request is not processed. */
  dropAfterBytes?: number;
  /** Never answers; the request is processed (`after`) or not. */
  hang?: 'before' | 'after';
  /** Sends the real answer's body one byte at a time, so many milliseconds apart. */
  dripMs?: number;
  /** Sends so many bytes of the real answer's body and cuts the connection. */
  truncateTo?: number;
  /** 200 with white space and an S3 error of this code inside, as CompleteMultipartUpload may answer. */
  errorInside?: string;
  /** Shifts the server's idea of now: its `Date`, and how it judges signatures' time stamps. */
  clockSkewMs?: number;
}

/** An answer made up by a fault. */
export interface FaultAnswer {
  status: number;
  headers?: Record<string, string>;
  /** Sent as it is. Without it S3 answers its error XML and the recordings server the contract's JSON. */
  body?: string;
  /** The S3 error code in that XML; `InternalError` unless given. */
  code?: string;
  /** The sentence in that XML. */
  message?: string;
  /** Further elements of that XML: `{ Region: 'us-west-1' }`. */
  details?: Record<string, string>;
  /** `before` (default): the request is not processed; `after`: it is, and this answer hides it. */
  when?: 'before' | 'after';
  /** Answers on the headers alone, while the client is still sending its body. */
  early?: boolean;
}

/** Which requests a fault is for. Every condition given must hold. */
export interface FaultRule {
  server: 's3' | 'webhook';
  /** `PutObject`, `UploadPart`, …; `Webhook` is the recordings server's only one. */
  operation?: string;
  /** The object's key; with a `*` at its end, every key that starts so. S3 only. */
  key?: string;
  partNumber?: number;
  /** The first matching request that fails, counting from 1 (the default). */
  from?: number;
  /** How many matching requests fail from there on; 1 unless given, `Infinity` for all. */
  times?: number;
  action: FaultAction;
}

/** A request, as far as rules look at it. */
export interface FaultTarget {
  server: FaultRule['server'];
  operation: string;
  key?: string | undefined;
  partNumber?: number | undefined;
}

/** A rule that was added. */
export interface Fault {
  readonly rule: FaultRule;
  /** Requests that met the rule's conditions so far, spared or not. */
  matched(): number;
  /** Requests that it was done to. */
  hits(): number;
  remove(): void;
}

/** The faults of both servers. */
export interface FaultControl {
  add(rule: FaultRule): Fault;
  /** Rules as they stand, with their counts. */
  list(): { rule: FaultRule; matched: number; hits: number }[];
  clear(): void;
}

interface ActiveFault extends Fault {
  meet(target: FaultTarget): FaultAction | undefined;
}

/** The rules in force; both servers ask it about every request. */
export class Faults implements FaultControl {
  #active: ActiveFault[] = [];

  add(rule: FaultRule): Fault {
    const fault = activate(rule, () => {
      this.#active = this.#active.filter(other => other !== fault);
    });
    this.#active.push(fault);
    return fault;
  }

  list(): { rule: FaultRule; matched: number; hits: number }[] {
    return this.#active.map(fault => ({ rule: fault.rule, matched: fault.matched(), hits: fault.hits() }));
  }

  clear(): void {
    this.#active = [];
  }

  /** Counts the request against every rule; what is to happen to it, or an empty action. Older rules win. */
  meet(target: FaultTarget): FaultAction {
    const merged: FaultAction = {};
    for (const fault of this.#active.toReversed()) Object.assign(merged, fault.meet(target));
    return merged;
  }
}

function activate(rule: FaultRule, remove: () => void): ActiveFault {
  const from = rule.from ?? 1;
  const end = from + (rule.times ?? 1);
  let matched = 0;
  let hits = 0;
  return {
    rule,
    remove,
    matched: () => matched,
    hits: () => hits,
    meet(target) {
      if (!matches(rule, target)) return undefined;
      matched += 1;
      if (matched < from || matched >= end) return undefined;
      hits += 1;
      return rule.action;
    },
  };
}

function matches(rule: FaultRule, target: FaultTarget): boolean {
  return (
    rule.server === target.server &&
    (rule.operation === undefined || rule.operation === target.operation) &&
    (rule.partNumber === undefined || rule.partNumber === target.partNumber) &&
    (rule.key === undefined || keyMatches(rule.key, target.key))
  );
}

function keyMatches(pattern: string, key: string | undefined): boolean {
  if (key === undefined) return false;
  return pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
}
