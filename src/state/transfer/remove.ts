import type { Dialect } from './export.ts';
import { run, type Script, type Values } from './script.ts';

/** Removes all that is known of a recording, in every bucket; attempts go with their deliveries. */
export function* removeRecording(id: string): Script<void> {
  for (const table of ['parts', 'multipart_uploads', 'files', 'deliveries', 'pruned_deliveries'])
    yield* run(`DELETE FROM ${table} WHERE recording_id = $id`, { id });
  yield* run('DELETE FROM recordings WHERE id = $id', { id });
  yield* run('DELETE FROM begun_uploads WHERE key > $from AND key < $to', { from: `${id}/`, to: `${id}0` });
}

/** Removes what belongs to the machine beside its recordings. */
export function* removeBeside({ machine }: Dialect): Script<void> {
  const mine = machine === undefined ? '' : ' WHERE machine = $machine';
  const values: Values = machine === undefined ? {} : { machine };
  for (const table of ['queue', 'begun_uploads']) yield* run(`DELETE FROM ${table}${mine}`, values);
  if (machine !== undefined) return;
  for (const table of ['endpoints', 'totals', 'successes', 'alert_causes', 'alert_messages'])
    yield* run(`DELETE FROM ${table}`);
}
