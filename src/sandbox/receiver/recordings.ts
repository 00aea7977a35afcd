import { createHash } from 'node:crypto';
import type { Records } from '../records.ts';

/** A recording as the server knows it. */
export interface StoredRecording {
  /** The server's own running number. */
  pk: number;
  recording_id: number | string;
  /** The payload that came last. */
  payload: Record<string, unknown>;
  /** When it was created and last updated here; ISO 8601. */
  created: string;
  updated: string;
  /** How often it was sent. */
  received: number;
}

/** The server's table: one row for each `recording_id`, the last payload in it. */
export class Recordings {
  readonly #rows = new Map<string, StoredRecording>();
  readonly #records: Records;
  readonly #folder: string;
  #lastPk = 0;

  /** @param folder the documents' place: `recordings` or `tests` */
  constructor(records: Records, folder: string) {
    this.#records = records;
    this.#folder = folder;
  }

  async load(): Promise<void> {
    const rows = (await this.#records.load(this.#folder)) as StoredRecording[];
    for (const row of rows.sort((a, b) => a.pk - b.pk)) {
      this.#rows.set(String(row.recording_id), row);
      this.#lastPk = row.pk;
    }
  }

  /** Creates or updates; durable when it resolves. */
  async upsert(
    id: number | string,
    payload: Record<string, unknown>,
    nowMs: number,
  ): Promise<{ row: StoredRecording; action: 'created' | 'updated' }> {
    const before = this.#rows.get(String(id));
    const updated = new Date(nowMs).toISOString();
    const row = before
      ? { ...before, payload, updated, received: before.received + 1 }
      : { pk: ++this.#lastPk, recording_id: id, payload, created: updated, updated, received: 1 };
    this.#rows.set(String(id), row);
    // Ids are any text; file names are not.
    const name = createHash('sha256').update(String(id)).digest('hex');
    await this.#records.put(`${this.#folder}/${name}`, row);
    return { row, action: before ? 'updated' : 'created' };
  }

  list(): StoredRecording[] {
    return [...this.#rows.values()];
  }

  get(id: number | string): StoredRecording | undefined {
    return this.#rows.get(String(id));
  }
}
