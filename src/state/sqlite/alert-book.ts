import type { AlertBook } from '../../core/alerts/alert-book.ts';
import type { AlertEvent } from '../../core/alerts/cause.ts';
import { storing } from '../not-stored.ts';
import { toCause, toMessage } from '../rows.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

/** The book of alerts over the database. */
export function openAlertBook({ write }: Database): AlertBook {
  return {
    note: ({ id: target, on }, causes, compose, now) =>
      storing(
        'an alert',
        write(sql => {
          const told = sql
            .all('SELECT * FROM alert_causes WHERE target = $target ORDER BY key', { target })
            .map(toCause);
          const begun = causes.filter(({ key, event }) => on.includes(event) && !told.some(one => one.key === key));
          const ended = told.filter(({ key }) => !causes.some(one => one.key === key));
          for (const cause of begun) {
            const { key, event, text, count } = cause;
            sql.run(
              `INSERT INTO alert_causes (target, key, event, text, count, since)
               VALUES ($target, $key, $event, $text, $count, $now)`,
              { target, key, event, text, count, now },
            );
            queue(sql, target, event, compose(event, { ...cause, since: now }), now);
          }
          for (const cause of ended) {
            sql.run('DELETE FROM alert_causes WHERE target = $target AND key = $key', { target, key: cause.key });
            if (on.includes('recovered')) queue(sql, target, 'recovered', compose('recovered', cause), now);
          }
          return { begun, ended };
        }),
      ),

    keepOnly: targets =>
      write(sql => {
        const known = sql.all('SELECT target FROM alert_causes UNION SELECT target FROM alert_messages');
        const gone = known.map(row => String(row.target)).filter(target => !targets.includes(target));
        for (const target of gone) {
          sql.run('DELETE FROM alert_causes WHERE target = $target', { target });
          sql.run('DELETE FROM alert_messages WHERE target = $target', { target });
        }
      }),

    take: (limit, leaseMs, now) =>
      write(sql =>
        sql
          .all('SELECT * FROM alert_messages WHERE next_at <= $now ORDER BY id LIMIT $limit', { now, limit })
          .map(row => {
            sql.run('UPDATE alert_messages SET next_at = $until WHERE id = $id', {
              id: Number(row.id),
              until: now + leaseMs,
            });
            return toMessage(row);
          }),
      ),

    end: id =>
      write(sql => {
        sql.run('DELETE FROM alert_messages WHERE id = $id', { id });
      }),

    postpone: (id, nextAt) =>
      write(sql => {
        sql.run('UPDATE alert_messages SET next_at = $nextAt, attempts = attempts + 1 WHERE id = $id', { id, nextAt });
      }),
  };
}

function queue(sql: Sql, target: string, event: AlertEvent, body: string, now: number): void {
  sql.run(
    `INSERT INTO alert_messages (target, event, body, created_at, next_at) VALUES ($target, $event, $body, $now, $now)`,
    { target, event, body, now },
  );
}
