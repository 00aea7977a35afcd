import { rememberTimelines, type Timelines } from '../postgres/timelines.ts';
import type { Database } from '../sqlite/database.ts';
import { lookIntoSpool } from '../sqlite/read-only.ts';
import type { Sql } from '../sqlite/sql.ts';

/** In the table `brought`, beside what else a machine knows of the fleet's database. */
const SOURCE = 'timeline ';

/** Timelines that the machine's file remembers for its next commands. */
export async function keptTimelines({ read, write }: Pick<Database, 'read' | 'write'>): Promise<Timelines> {
  const keep = (system: string, timeline: number) => {
    const kept = write(sql => {
      sql.run(
        `INSERT INTO brought (source, value, at) VALUES ($source, $value, 0)
         ON CONFLICT (source) DO UPDATE SET value = excluded.value`,
        { source: `${SOURCE}${system}`, value: String(timeline) },
      );
    });
    // If the disk is full, the next write reports it.
    kept.catch(() => {});
  };
  return rememberTimelines(await read(seenTimelines), keep);
}

/** Timelines that the file of a machine remembers, to be looked at alone. */
export async function timelinesSeen(stateDir: string): Promise<Timelines> {
  return rememberTimelines(await lookIntoSpool(stateDir, seenTimelines, []));
}

function seenTimelines(sql: Pick<Sql, 'all'>): [string, number][] {
  const rows = sql.all(`SELECT source, value FROM brought WHERE source LIKE '${SOURCE}%'`);
  return rows.map(({ source, value }) => [String(source).slice(SOURCE.length), Number(value)]);
}
