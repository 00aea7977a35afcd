/** How many requests a log remembers; older ones make room. */
const CAPACITY = 20_000;

/** Requests in the order they came; entries are filled in while they are worked on. */
export class RequestLog<Entry> {
  #entries: Entry[] = [];

  add(entry: Entry): Entry {
    this.#entries.push(entry);
    if (this.#entries.length > CAPACITY) this.#entries.shift();
    return entry;
  }

  /** Copies: what is looked at now does not change afterwards. */
  list(): Entry[] {
    return this.#entries.map(entry => ({ ...entry }));
  }

  reset(): void {
    this.#entries = [];
  }
}
