/*
 * What the pages show: plain data that the server makes, sends inside of the page and as JSON, and that the same views
 * draw on the server and in the browser. Times are milliseconds since 1970, sizes bytes.
 */

export type PageName =
  | 'overview'
  | 'recordings'
  | 'recording'
  | 'webhooks'
  | 'plan'
  | 'action'
  | 'logs'
  | 'doctor'
  | 'problem';

/** What every page shows around its content. */
export interface Frame {
  machine: string;
  version: string;
  readOnly: boolean;
  /** Sent with each change. */
  changeToken: string;
  /** The path and query of this page. */
  address: string;
  /** For the navigation. */
  held: number;
  /** What is wrong with the last reading of the state. */
  problem: string | null;
  /** The number of the last change that the page shows. */
  change: number;
}

/** A page: its name, what is around it, and its content. */
export type PageModel = {
  [Name in PageName]: { page: Name; frame: Frame; content: Contents[Name] };
}[PageName];

export interface Contents {
  overview: OverviewContent;
  recordings: RecordingsContent;
  recording: RecordingContent;
  webhooks: WebhooksContent;
  plan: PlanContent;
  action: ActionContent;
  logs: LogsContent;
  doctor: DoctorContent;
  problem: ProblemContent;
}

export interface OverviewContent {
  now: number;
  stateDir: string;
  hasState: boolean;
  target: string;
  /** What is wrong with the last reading; the rest is from the one before. */
  problem: string | null;
  counts: {
    recording: number;
    uploading: number;
    queued: number;
    waiting: number;
    held: number;
    partial: number;
    refused: number;
    done: number;
    doneToday: number;
  };
  uploads: UploadRow[];
  queued: QueuedRow[];
  refused: QueuedRow[];
  held: WebhookRow[];
  nextAt: number | null;
  endpoints: EndpointRow[];
  worker: { pid: number; since: number } | null;
  /** Those that share the state; null where it is of this machine alone. */
  machines: MachineRow[] | null;
  /** Bytes in each of the last 60 minutes, the oldest first. */
  throughput: number[];
  /** Bytes a second, of all uploads together. */
  rate: number;
  actions: ActionRow[];
}

/** A machine of a fleet. */
export interface MachineRow {
  name: string;
  /** Since when the oldest of its processes has been running; null: none is. */
  since: number | null;
  /** When one of them last began. */
  lastSeen: number;
  /** What it is doing. */
  work: string;
}

export interface UploadRow {
  target: string;
  id: string;
  dir: string;
  /** The machine that has the folder; null where the state is of one machine. */
  machine: string | null;
  state: 'recording' | 'uploading' | 'partial';
  pid: number | null;
  since: number;
  error: string | null;
  bytes: number;
  totalBytes: number;
  rate: number | null;
  leftMs: number | null;
  files: FileRow[];
}

export interface FileRow {
  name: string;
  state: 'uploaded' | 'sending' | 'pending';
  sizeBytes: number;
  partsDone: number;
  parts: number;
  error: string | null;
}

export interface QueuedRow {
  dir: string;
  machine: string | null;
  id: string;
  origin: 'upload' | 'enqueued' | 'found';
  reason: string | null;
  hint: string | null;
  since: number;
  nextAt: number;
}

export interface EndpointRow {
  name: string;
  url: string | null;
  state: 'ok' | 'off' | 'disabled' | 'refused' | 'no-token' | 'unconfigured';
  reason: string | null;
  since: number | null;
  waiting: number;
  held: number;
  delivered: number;
}

export interface WebhookRow {
  webhookId: string;
  recordingId: string;
  endpoint: string;
  state: 'held' | 'waiting';
  heldReason: string | null;
  attempts: number;
  since: number;
  nextAt: number | null;
  error: string | null;
}

export type RecordingState = 'recording' | 'uploading' | 'partial' | 'done' | 'waiting' | 'held';

export interface RecordingsContent {
  hasState: boolean;
  filter: {
    state: RecordingState | '';
    machine: string;
    text: string;
    since: string;
    until: string;
    zone: string;
    after: string;
  };
  /** Names of those that share the state; null where it is of this machine alone. */
  machines: string[] | null;
  /** Of this state, or of all, where that is known without counting. */
  total: number | null;
  recordings: {
    target: string;
    id: string;
    machine: string | null;
    title: string;
    state: 'recording' | 'uploading' | 'partial' | 'done';
    updatedAt: number;
    files: number;
    storedBytes: number;
    webhooks: { endpoint: string; state: string }[];
  }[];
  /** The text was looked for in what was touched since then; null: in all. */
  searchedTo: number | null;
  next: string | null;
}

export interface RecordingContent {
  now: number;
  id: string;
  title: string | null;
  uploads: (UploadRow & { recordingState: 'recording' | 'uploading' | 'partial' | 'done'; updatedAt: number })[];
  queue: (QueuedRow & { state: 'waiting' | 'refused' })[];
  /** Names of files that a browser can show. */
  video: string | null;
  thumbnail: string | null;
  webhooks: {
    webhookId: string;
    endpoint: string;
    state: string;
    heldReason: string | null;
    createdAt: number;
    nextAt: number | null;
    settledAt: number | null;
    attempts: {
      number: number;
      trigger: string;
      at: number;
      durationMs: number;
      outcome: string;
      status: number | null;
      error: string | null;
      excerpt: string | null;
    }[];
  }[];
  /** Pretty-printed JSON. */
  payload: string | null;
}

export interface WebhooksContent {
  now: number;
  filter: { state: 'held' | 'waiting'; endpoint: string; after: string };
  endpoints: EndpointRow[];
  webhooks: (WebhookRow & { status: number | null })[];
  next: string | null;
}

/** Texts, and moments between them. */
export type Sentence = string | readonly (string | number)[];

export type ActionName = 'retry' | 'discard' | 'replay' | 'enable' | 'disable';

/** What an action will do, before it is done. */
export interface PlanContent {
  action: ActionName;
  title: string;
  /** What will happen, sentence by sentence. */
  will: Sentence[];
  /** What it will happen to, at most 100 lines. */
  items: { subject: string; detail: string /** When, for the end of the detail. */; at: number | null }[];
  /** How many there are. */
  count: number;
  /** Why there is nothing to do. */
  nothing: Sentence | null;
  /** Fields of the form that does it. */
  fields: { name: string; value: string }[];
  button: string;
  back: string;
}

export interface ActionRow {
  id: number;
  title: string;
  state: 'running' | 'done' | 'failed';
  startedAt: number;
  endedAt: number | null;
  summary: string;
}

/** What came of an action. */
export interface ActionContent extends ActionRow {
  items: {
    subject: string;
    outcome: 'ok' | 'waiting' | 'failure';
    detail: string;
    /** When it is tried next. */
    nextAt?: number | null;
  }[];
  back: string;
}

export interface LogRow {
  at: number | null;
  level: string;
  recording: string;
  text: string;
  /** Everything else that the line says, as `name=value`. */
  more: string;
}

export interface LogsContent {
  file: string;
  exists: boolean;
  filter: { level: string; id: string };
  lines: LogRow[];
}

export interface DoctorContent {
  state: 'never' | 'running' | 'done' | 'failed';
  startedAt: number | null;
  endedAt: number | null;
  problem: string | null;
  results: { name: string; status: 'ok' | 'warning' | 'failure'; detail: string; fix: string | null; more: string[] }[];
}

export interface ProblemContent {
  title: string;
  message: string;
  hint: string | null;
}
