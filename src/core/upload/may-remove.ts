import { formatDuration } from '../units.ts';
import type { LocalRecording, Told } from './local-files.ts';

/** When local files may be removed. */
export interface RemovalTerms {
  /** How old the upload has to be, in milliseconds. */
  ageMs: number;
  /** Names of the configured endpoints, those that are switched off among them. */
  endpoints: readonly string[];
}

/**
 * What still has to happen before the local files of a recording may be removed, as far as the state knows; undefined:
 * nothing. Each endpoint must have received what the last upload announced. A webhook that was discarded or never queued
 * (`--no-webhook`, an endpoint that is new) was not received, and neither was one that waits or is held for an endpoint
 * that is no longer configured.
 * @param now milliseconds since 1970
 */
export function whyNotYet(recording: LocalRecording, terms: RemovalTerms, now: number): string | undefined {
  const reason = whyNotYetAlone(recording, terms, now);
  if (reason !== undefined) return reason;
  for (const other of recording.others) {
    const reason = whyNotYetAlone(other, terms, now);
    if (reason !== undefined)
      return `its folder was uploaded to ${other.target}/${other.id}/ as well; of that recording, ${reason}`;
  }
  return undefined;
}

function whyNotYetAlone(
  recording: Omit<LocalRecording, 'others'>,
  { ageMs, endpoints }: RemovalTerms,
  now: number,
): string | undefined {
  const { otherUpload, isAskedFor, doneAt, told } = recording;
  if (otherUpload) return `an upload of its folder to ${otherUpload.target}/${otherUpload.recordingId}/ is not done`;
  if (isAskedFor) return 'an upload of its folder was asked for and has not begun';
  const flaw = flawOfAge(doneAt, ageMs, now);
  if (flaw !== undefined) return `the upload ${flaw}`;
  const open = told.find(({ state }) => state === 'pending' || state === 'held');
  if (open) return `the webhook to ${open.endpoint} ${open.state === 'held' ? 'is held' : 'is not delivered yet'}`;
  for (const endpoint of endpoints) {
    const newest = told.find(one => one.endpoint === endpoint);
    if (newest?.state === 'discarded')
      return `the webhook to ${endpoint} was discarded; to send one: recordupload webhook send ${recording.id}`;
    if (!newest) return `no webhook was sent to ${endpoint}; to send one: recordupload webhook send ${recording.id}`;
    if (!isReceived(newest, recording))
      return `${endpoint} has not received the webhook of its last upload; to send it: recordupload webhook send ${recording.id}`;
  }
  return undefined;
}

function isReceived(
  { state, createdAt }: Told,
  { sentAt, webhooks }: Pick<LocalRecording, 'sentAt' | 'webhooks'>,
): boolean {
  if (state !== 'delivered') return false;
  // Uploads of older versions did not note when they sent something.
  return sentAt === null ? webhooks : createdAt >= sentAt;
}

/**
 * Why something is not old enough, as the end of a sentence; undefined: it is. A time in the future says that a clock was
 * set back since: the age is not known then.
 */
function flawOfAge(since: number, ageMs: number, now: number): string | undefined {
  if (now < since) return 'was done in the future, by this clock';
  return now - since < ageMs ? `was done ${formatDuration(now - since)} ago, not ${formatDuration(ageMs)}` : undefined;
}
