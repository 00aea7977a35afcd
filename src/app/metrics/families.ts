import { DELIVERY_TIME_BOUNDS_MS, EMPTY_MEASURES, type Measures, type Total } from '../../core/status/measures.ts';
import { EMPTY_OVERVIEW, type StateOverview } from '../../core/status/overview.ts';
import type { FleetView } from '../fleet-view.ts';
import type { DiskRoom } from './disk-room.ts';
import type { MetricFamily, Sample } from './openmetrics.ts';

/** What the numbers are made of. */
export interface Measured {
  version: string;
  /** Undefined: nothing has been uploaded from this machine yet. */
  state: { overview: StateOverview; measures: Measures } | undefined;
  /** Undefined where the state is of this machine alone. Not reachable: its database is away, and only this machine's is known. */
  fleet?: (FleetView & { isReachable: boolean }) | undefined;
  /** Names of all configured endpoints. */
  endpoints: readonly string[];
  disks: readonly DiskRoom[];
}

/** All metric families. Names and units follow https://prometheus.io/docs/practices/naming/ and OpenMetrics. */
export function metricFamilies(measured: Measured): MetricFamily[] {
  const all = familiesOf(measured);
  const { fleet } = measured;
  if (!fleet) return all;
  // The few that this machine knows of would be taken for the fleet's, and its counters for ones that began again.
  if (!fleet.isReachable) return [...all.filter(one => isOfMachine(one.name)), ...fleetFamilies(fleet)];
  // Each machine of the fleet shows these numbers: whoever adds them up counts each recording once for each machine.
  const said = all.map(one => (isOfMachine(one.name) ? one : { ...one, help: `${one.help} ${OF_FLEET}` }));
  return [...said, ...fleetFamilies(fleet)];
}

const OF_FLEET = 'Of the whole fleet: take it from any one machine, and do not add it up.';

/** What is of the machine that shows it, also in a fleet. */
function isOfMachine(name: string): boolean {
  return /^recordupload_(?:build|disk|worker)_/.test(name);
}

function fleetFamilies({ self, machines, isReachable }: FleetView & { isReachable: boolean }): MetricFamily[] {
  const alive = gauge(
    'recordupload_machine_alive',
    `1 if a process of the machine that uploads or delivers is running. ${OF_FLEET}`,
    machines.map(({ name, isAlive }) => ({ labels: { machine: name }, value: Number(isAlive) })),
  );
  return [
    gauge('recordupload_fleet_info', 'The name of this machine in the fleet; always 1.', [
      { labels: { machine: self }, value: 1 },
    ]),
    gauge('recordupload_fleet_database_up', '1 if this machine reaches the database of the fleet.', [
      { labels: {}, value: Number(isReachable) },
    ]),
    ...(isReachable ? [alive] : []),
  ];
}

function familiesOf({ version, state, endpoints, disks }: Measured): MetricFamily[] {
  const { overview, measures } = state ?? { overview: EMPTY_OVERVIEW, measures: EMPTY_MEASURES };
  const { counts, oldest, worker } = overview;
  return [
    gauge('recordupload_build_info', 'The version of recordupload; always 1.', [{ labels: { version }, value: 1 }]),
    gauge(
      'recordupload_recordings',
      'Recordings, by where their upload stands.',
      byState({
        recording: counts.recording,
        uploading: counts.uploading,
        partial: counts.partial,
        queued: counts.queued,
        refused: counts.refused,
        done: counts.done,
      }),
    ),
    gauge(
      'recordupload_webhooks',
      'Webhooks in the state, by where they stand. Delivered ones are pruned after a while.',
      byState({
        waiting: counts.waiting,
        held: counts.held,
        delivered: counts.delivered,
        superseded: counts.superseded,
      }),
    ),
    gauge(
      'recordupload_webhooks_waiting',
      'Webhooks that wait for their next try.',
      measures.waiting.map(({ endpoint, count }) => ({ labels: { endpoint }, value: count })),
    ),
    gauge(
      'recordupload_webhooks_held',
      'Webhooks that wait for somebody to act.',
      measures.held.map(({ endpoint, reason, count }) => ({ labels: { endpoint, reason }, value: count })),
    ),
    gauge(
      'recordupload_endpoint_enabled',
      '1 if webhooks are sent to the endpoint; 0 if it is disabled or refuses every token.',
      [...new Set([...endpoints, ...overview.endpoints.map(({ name }) => name)])].map(endpoint => ({
        labels: { endpoint },
        value: Number(!overview.endpoints.some(one => one.name === endpoint && !one.hasSender)),
      })),
    ),
    time(
      'recordupload_oldest_unfinished_timestamp_seconds',
      'Since when the oldest of each kind has been unfinished.',
      [
        ['upload', oldest.upload],
        ['partial', oldest.partial],
        ['queued', oldest.queued],
        ['refused', oldest.refused],
        ['webhook', oldest.waiting],
      ],
    ),
    time(
      'recordupload_last_success_timestamp_seconds',
      'When the last upload was done, the last webhook delivered, and when the worker last looked after everything.',
      [
        ['upload', measures.lastUploadAt],
        ['webhook', measures.lastDeliveryAt],
        ['worker', measures.lastPassAt],
      ],
    ),
    summary(
      'recordupload_upload_duration_seconds',
      'Uploads that ended: whether all was done, and whether they had begun before.',
      measures.uploads.map(({ outcome, run, ...total }) => [{ outcome, run }, inSeconds(total)]),
      'seconds',
    ),
    summary(
      'recordupload_sent_file_size_bytes',
      'Files that were sent and verified.',
      [[{}, measures.sentFiles]],
      'bytes',
    ),
    summary('recordupload_sent_file_parts', 'Parts of the files that were sent and verified.', [
      [{}, { count: measures.sentFiles.count, sum: measures.sentParts }],
    ]),
    summary(
      'recordupload_webhook_attempt_duration_seconds',
      'POSTs of webhooks: what came of them, the HTTP status, and whether it was tried before.',
      measures.attempts.map(({ endpoint, outcome, status, run, ...total }) => [
        { endpoint, outcome, status, run },
        inSeconds(total),
      ]),
      'seconds',
    ),
    {
      name: 'recordupload_webhook_delivery_seconds',
      type: 'histogram',
      unit: 'seconds',
      help: 'From the making of a webhook to its delivery.',
      samples: measures.deliveries.flatMap(deliverySamples),
    },
    ...diskFamilies(disks),
    gauge('recordupload_worker_running', '1 if the process of "recordupload watch" is alive.', [
      { value: Number(worker !== undefined) },
    ]),
    time('recordupload_worker_start_timestamp_seconds', 'When the worker was started.', [
      [undefined, worker?.since ?? null],
    ]),
  ];
}

function gauge(name: string, help: string, samples: Sample[], unit?: MetricFamily['unit']): MetricFamily {
  return { name, type: 'gauge', unit, help, samples };
}

function byState(counts: Record<string, number>): Sample[] {
  return Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
}

/** Times are given as such: their age grows by itself, however old the file is that they are read from. */
function time(name: string, help: string, times: [kind: string | undefined, at: number | null][]): MetricFamily {
  const samples = times.flatMap(([kind, at]): Sample[] =>
    at === null ? [] : [{ labels: kind === undefined ? undefined : { kind }, value: at / 1000 }],
  );
  return gauge(name, help, samples, 'seconds');
}

function summary(
  name: string,
  help: string,
  totals: [labels: Record<string, string>, total: Total][],
  unit?: MetricFamily['unit'],
): MetricFamily {
  const samples = totals.flatMap(([labels, total]) => countAndSum(labels, total));
  return { name, type: 'summary', unit, help, samples };
}

function countAndSum(labels: Record<string, string>, { count, sum }: Total): Sample[] {
  return [
    { suffix: '_count', labels, value: count },
    { suffix: '_sum', labels, value: sum },
  ];
}

function inSeconds({ count, sum }: Total): Total {
  return { count, sum: sum / 1000 };
}

function deliverySamples({ endpoint, within, ...total }: Measures['deliveries'][number]): Sample[] {
  const bucket = (le: string, value: number): Sample => ({ suffix: '_bucket', labels: { endpoint, le }, value });
  return [
    ...DELIVERY_TIME_BOUNDS_MS.map((ms, index) => bucket((ms / 1000).toFixed(1), within[index] ?? 0)),
    bucket('+Inf', total.count),
    ...countAndSum({ endpoint }, inSeconds(total)),
  ];
}

function diskFamilies(disks: readonly DiskRoom[]): MetricFamily[] {
  const of = (value: (disk: DiskRoom) => number) =>
    disks.map(disk => ({ labels: { folder: disk.folder }, value: value(disk) }));
  return [
    gauge(
      'recordupload_disk_free_bytes',
      'Room left on the disks of the state and of the watched folders.',
      of(disk => disk.freeBytes),
      'bytes',
    ),
    gauge(
      'recordupload_disk_size_bytes',
      'The size of these disks.',
      of(disk => disk.sizeBytes),
      'bytes',
    ),
  ];
}
