import type { AlertBook } from '../../core/alerts/alert-book.ts';
import type { AlertEvent } from '../../core/alerts/cause.ts';
import { storing } from '../not-stored.ts';
import { toCause, toMessage } from '../rows.ts';
import { textArray } from './arrays.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

const ADD_TARGETS = `INSERT INTO alert_targets (target, machine) SELECT name, $machine FROM unnest($targets::text[]) AS name
  ON CONFLICT DO NOTHING`;

/**
 * The book of alerts over the database: one message is sent for a cause, whichever machine has found it. Machines may have different
 * targets in their configurations: a target is forgotten once no machine has it any more, and each sends to its own.
 */
export function openAlertBook({ write, self: { machine } }: Database): AlertBook {
  return {
    note: ({ id: target, on }, causes, compose, now) =>
      storing(
        'an alert',
        write(async sql => {
          // Two machines that find the same cause at once must not both tell of it.
          await sql.run(`SELECT pg_advisory_xact_lock(hashtext('alerts'), hashtext($target))`, { target });
          await sql.run(ADD_TARGETS, { targets: textArray([target]), machine });
          const rows = await sql.all('SELECT * FROM alert_causes WHERE target = $target ORDER BY key', { target });
          const told = rows.map(toCause);
          const begun = causes.filter(({ key, event }) => on.includes(event) && !told.some(one => one.key === key));
          const ended = told.filter(({ key }) => !causes.some(one => one.key === key));
          for (const cause of begun) {
            const { key, event, text, count } = cause;
            await sql.run(
              `INSERT INTO alert_causes (target, key, event, text, count, since)
               VALUES ($target, $key, $event, $text, $count, $now)`,
              { target, key, event, text, count, now },
            );
            await queue(sql, target, event, compose(event, { ...cause, since: now }), now);
          }
          for (const cause of ended) {
            await sql.run('DELETE FROM alert_causes WHERE target = $target AND key = $key', { target, key: cause.key });
            if (on.includes('recovered')) await queue(sql, target, 'recovered', compose('recovered', cause), now);
          }
          return { begun, ended };
        }),
      ),

    keepOnly: targets =>
      write(async sql => {
        const values = { targets: textArray(targets), machine };
        await sql.run('DELETE FROM alert_targets WHERE machine = $machine AND target <> ALL($targets::text[])', values);
        await sql.run(ADD_TARGETS, values);
        await sql.run('DELETE FROM alert_causes WHERE target NOT IN (SELECT target FROM alert_targets)');
        await sql.run('DELETE FROM alert_messages WHERE target NOT IN (SELECT target FROM alert_targets)');
      }),

    take: (limit, leaseMs, now) =>
      write(async sql => {
        const rows = await sql.all(
          `WITH due AS MATERIALIZED (
             SELECT id FROM alert_messages WHERE next_at <= $now
               AND target IN (SELECT target FROM alert_targets WHERE machine = $machine)
             ORDER BY id LIMIT $limit FOR UPDATE SKIP LOCKED
           ) UPDATE alert_messages SET next_at = $until WHERE id IN (SELECT id FROM due) RETURNING *`,
          { now, limit, machine, until: now + leaseMs },
        );
        return rows.map(toMessage).sort((a, b) => a.id - b.id);
      }),

    end: id =>
      write(async sql => {
        await sql.run('DELETE FROM alert_messages WHERE id = $id', { id });
      }),

    postpone: (id, nextAt) =>
      write(async sql => {
        await sql.run('UPDATE alert_messages SET next_at = $nextAt, attempts = attempts + 1 WHERE id = $id', {
          id,
          nextAt,
        });
      }),
  };
}

async function queue(sql: Sql, target: string, event: AlertEvent, body: string, now: number): Promise<void> {
  await sql.run(
    `INSERT INTO alert_messages (target, event, body, created_at, next_at) VALUES ($target, $event, $body, $now, $now)`,
    { target, event, body, now },
  );
}
