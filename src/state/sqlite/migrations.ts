/**
 * The state's schema: each entry brings the database one version on (`PRAGMA user_version`). Entries that have been
 * released are never edited. Plain SQL, so that another database can stand behind the same stores.
 *
 * Times are milliseconds since 1970. `target` says which bucket: `<endpoint>/<bucket>`.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- A process that holds claims. It is alive as long as it holds the lock on its file (see liveness.ts).
  CREATE TABLE owners (
    id TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    started_at INTEGER NOT NULL
  );

  CREATE TABLE recordings (
    target TEXT NOT NULL,
    id TEXT NOT NULL,
    dir TEXT NOT NULL,
    details TEXT NOT NULL,          -- RecordingDetails as JSON
    state TEXT NOT NULL,            -- uploading | partial | done
    error TEXT,
    metadata TEXT,                  -- the bytes of metadata.json as they stand in the bucket
    metadata_etag TEXT,
    webhooks INTEGER NOT NULL DEFAULT 1, -- 0: uploaded with --no-webhook
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    claimed_by TEXT,                -- owners.id of the process at work on it
    PRIMARY KEY (target, id)
  );
  CREATE INDEX recordings_unfinished ON recordings (target, updated_at) WHERE state <> 'done';

  CREATE TABLE files (
    target TEXT NOT NULL,
    recording_id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns TEXT NOT NULL,
    inode TEXT NOT NULL,
    state TEXT NOT NULL,            -- pending | uploaded
    part_size INTEGER,
    checksum TEXT,                  -- composite SHA-256 of the parts, <base64>-<parts>
    etag TEXT,
    token TEXT,                     -- the object's own upload token, in its metadata
    error TEXT,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (target, recording_id, name)
  );

  -- At most one open multipart upload a file; its parts are those that the store has acknowledged.
  CREATE TABLE multipart_uploads (
    target TEXT NOT NULL,
    recording_id TEXT NOT NULL,
    name TEXT NOT NULL,
    upload_id TEXT,                 -- null: asked for, the answer not seen
    token TEXT NOT NULL,
    part_size INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns TEXT NOT NULL,
    inode TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (target, recording_id, name)
  );
  CREATE TABLE parts (
    target TEXT NOT NULL,
    recording_id TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    etag TEXT NOT NULL,
    sha256 TEXT NOT NULL,           -- base64
    PRIMARY KEY (target, recording_id, name, number)
  ) WITHOUT ROWID;

  -- Every multipart upload that this machine has begun and not seen the end of: what cleanup may call its own.
  CREATE TABLE begun_uploads (
    target TEXT NOT NULL,
    upload_id TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    PRIMARY KEY (target, upload_id)
  ) WITHOUT ROWID;

  CREATE TABLE endpoints (
    name TEXT PRIMARY KEY,
    disabled_reason TEXT,           -- set by a 410 or an operator; null: enabled
    disabled_at INTEGER,
    refused_fingerprint TEXT,       -- of the URL and token that the server answered with 401 or 403
    refused_salt TEXT,              -- random: the fingerprint of a known token cannot be looked up
    refused_at INTEGER
  );

  -- The outbox. A row is durable before its first POST; seq orders the payloads of a recording.
  CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT NOT NULL UNIQUE,
    endpoint TEXT NOT NULL,
    recording_id TEXT NOT NULL,
    payload TEXT NOT NULL,          -- the bytes that are sent, made once
    content_hash TEXT NOT NULL,     -- of the payload without its upload_timestamp
    state TEXT NOT NULL,            -- pending | held | delivered | superseded
    held_reason TEXT,               -- refused (401, 403) | rejected (4xx, 3xx) | exhausted | disabled (410)
    attempts INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0, -- tries counted against the schedule; an operator's retry starts them anew
    created_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    settled_at INTEGER,             -- when it was delivered, held or superseded; null: pending
    claimed_by TEXT,                -- Liveness.ownerId of the process that is sending it
    claim TEXT,                     -- a random word for each claim: a late finisher does not have the newest
    claimed_at INTEGER
  );
  CREATE INDEX deliveries_due ON deliveries (endpoint, next_at) WHERE state = 'pending';
  CREATE INDEX deliveries_held ON deliveries (endpoint, held_reason) WHERE state = 'held';
  CREATE INDEX deliveries_of_recording ON deliveries (recording_id, endpoint, seq);
  CREATE INDEX deliveries_claimed ON deliveries (claimed_by) WHERE claimed_by IS NOT NULL;
  CREATE INDEX deliveries_settled ON deliveries (state, settled_at);

  CREATE TABLE attempts (
    delivery INTEGER NOT NULL REFERENCES deliveries (seq) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    trigger TEXT NOT NULL,          -- upload | send | retry | replay
    at INTEGER NOT NULL,
    duration INTEGER NOT NULL,      -- milliseconds
    outcome TEXT NOT NULL,          -- delivered | pending | held | disabled | interrupted
    status INTEGER,
    error TEXT,
    excerpt TEXT,
    PRIMARY KEY (delivery, number)
  ) WITHOUT ROWID;
  `,
  `
  -- Since when something is missing of it; null once it is done. An upload that is retried does not become younger.
  ALTER TABLE recordings ADD COLUMN unfinished_since INTEGER;
  UPDATE recordings SET unfinished_since = updated_at WHERE state <> 'done';
  -- What \`status\` asks for, without reading the rows.
  CREATE INDEX recordings_since ON recordings (unfinished_since) WHERE state <> 'done';
  CREATE INDEX recordings_claimed ON recordings (claimed_by) WHERE claimed_by IS NOT NULL;
  CREATE INDEX recordings_not_begun ON recordings (target) WHERE created_at = 0;
  `,
  `
  -- Tokens of this state's own objects of the recording begin with it.
  ALTER TABLE recordings ADD COLUMN token TEXT;
  -- Since when Creates of the file were sent whose answers were not seen; null: none was.
  ALTER TABLE multipart_uploads ADD COLUMN asked_at INTEGER;
  -- The object's key: some stores list uploads by their whole key alone. Null: begun before this was kept.
  ALTER TABLE begun_uploads ADD COLUMN key TEXT;
  `,
  `
  -- 1: the bucket has another recording with this id, so nothing of it was sent.
  ALTER TABLE recordings ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Until when a POST of it may still reach the server, though nobody waits for its response; null: none may.
  ALTER TABLE deliveries ADD COLUMN in_flight_until INTEGER;
  CREATE INDEX deliveries_in_flight ON deliveries (in_flight_until) WHERE in_flight_until IS NOT NULL;
  `,
  `
  -- Folders whose upload was asked for and refused before anything was sent.
  CREATE TABLE refusals (
    dir TEXT PRIMARY KEY,
    recording_id TEXT NOT NULL,     -- as people call it: the id asked for, else the folder's name
    error TEXT NOT NULL,
    hint TEXT,
    asked TEXT NOT NULL,            -- AskedUpload as JSON
    since INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  );
  CREATE INDEX refusals_since ON refusals (since);
  CREATE INDEX refusals_of_recording ON refusals (recording_id);
  `,
  `
  -- What \`list\` asks for: the newest first.
  CREATE INDEX recordings_touched ON recordings (updated_at);
  CREATE INDEX recordings_by_id ON recordings (id);
  -- What an endpoint has received of a recording whose delivery was pruned: the same content is not sent again.
  CREATE TABLE pruned_deliveries (
    recording_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    settled_at INTEGER NOT NULL,
    PRIMARY KEY (recording_id, endpoint)
  ) WITHOUT ROWID;
  `,
  `
  -- Folders whose upload was asked for and has not begun.
  CREATE TABLE queue (
    dir TEXT PRIMARY KEY,
    recording_id TEXT NOT NULL,     -- as people call it: the id asked for, else the folder's name
    origin TEXT NOT NULL,           -- upload | enqueued | found
    asked TEXT NOT NULL,            -- AskedUpload as JSON
    state TEXT NOT NULL,            -- waiting | refused
    reason TEXT,                    -- null: nobody has looked at the folder yet
    hint TEXT,
    since INTEGER NOT NULL,         -- asked for first
    asked_at INTEGER NOT NULL,      -- asked for last
    updated_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL        -- when to look at it again
  );
  INSERT INTO queue
    SELECT dir, recording_id, 'upload', asked, 'refused', error, hint, since, since, updated_at, updated_at FROM refusals;
  DROP TABLE refusals;
  CREATE INDEX queue_since ON queue (state, since);
  CREATE INDEX queue_due ON queue (next_at);
  CREATE INDEX queue_of_recording ON queue (recording_id);
  -- The process of \`recordupload watch\`: at most one lives.
  CREATE TABLE worker (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    owner TEXT NOT NULL,            -- Liveness.ownerId
    pid INTEGER NOT NULL,
    since INTEGER NOT NULL
  );
  `,
  `
  -- What has happened since the state was made; never decreases. What is pruned or forgotten stays counted.
  CREATE TABLE totals (
    name TEXT NOT NULL,
    labels TEXT NOT NULL,           -- a JSON array of texts, in the order of totals.ts
    count INTEGER NOT NULL,
    sum REAL NOT NULL,              -- of what was counted: bytes, or milliseconds
    PRIMARY KEY (name, labels)
  ) WITHOUT ROWID;
  -- When something succeeded last.
  CREATE TABLE successes (
    name TEXT PRIMARY KEY,          -- upload | delivery | pass (of the worker)
    at INTEGER NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO successes SELECT 'upload', MAX(updated_at) FROM recordings WHERE state = 'done' HAVING COUNT(*) > 0;
  INSERT INTO successes
    SELECT 'delivery', MAX(settled_at) FROM deliveries WHERE state = 'delivered' HAVING COUNT(*) > 0;
  `,
  `
  -- 1: its parts were sent while the file was being written; size, time and inode vouch for none of them.
  ALTER TABLE multipart_uploads ADD COLUMN live INTEGER NOT NULL DEFAULT 0;
  -- Recordings that are uploaded while they are recorded, by folder.
  CREATE INDEX recordings_live ON recordings (target, dir) WHERE state = 'recording';
  `,
  `
  -- What the worker asks of each folder that it finds.
  CREATE INDEX recordings_of_folder ON recordings (dir, target);
  `,
  `
  -- What the dashboard's pages are read from.
  ALTER TABLE recordings ADD COLUMN title TEXT GENERATED ALWAYS AS
    (CASE WHEN json_valid(details) THEN json_extract(details, '$.title') END) VIRTUAL;
  CREATE INDEX recordings_searched ON recordings (updated_at, id, title) WHERE created_at > 0;
  CREATE INDEX deliveries_next ON deliveries (next_at) WHERE state = 'pending';
  CREATE INDEX files_stored ON files (updated_at, size) WHERE state = 'uploaded';
  `,
  `
  -- Causes that a target of alerts was told of. \`target\`: a hash of its URL or command, which may hold secrets.
  CREATE TABLE alert_causes (
    target TEXT NOT NULL,
    key TEXT NOT NULL,
    event TEXT NOT NULL,            -- held | exhausted | disabled | stuck | failed
    text TEXT NOT NULL,
    count INTEGER,
    since INTEGER NOT NULL,
    PRIMARY KEY (target, key)
  ) WITHOUT ROWID;
  -- Messages that are not sent yet. A process that sends one moves next_at into the future first.
  CREATE TABLE alert_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,             -- JSON
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL
  );
  CREATE INDEX alert_messages_due ON alert_messages (next_at);
  `,
  `
  -- When the upload was done, and when one of its runs sent something last; null: it is not done, nothing was noted.
  ALTER TABLE recordings ADD COLUMN done_at INTEGER;
  ALTER TABLE recordings ADD COLUMN sent_at INTEGER;
  UPDATE recordings SET done_at = updated_at WHERE state = 'done';
  -- 1: this machine has begun to remove the local files; they may be gone without a removed_at.
  ALTER TABLE recordings ADD COLUMN local_removing INTEGER NOT NULL DEFAULT 0;
  -- When the last of them was removed.
  ALTER TABLE recordings ADD COLUMN local_removed_at INTEGER;
  -- KeptNote as JSON: why they were kept when they were looked at last.
  ALTER TABLE recordings ADD COLUMN local_note TEXT;
  ALTER TABLE files ADD COLUMN removed_at INTEGER;
  CREATE INDEX recordings_local ON recordings (target, done_at) WHERE state = 'done' AND local_removed_at IS NULL;
  CREATE INDEX recordings_removed ON recordings (local_removed_at) WHERE local_removed_at IS NOT NULL;
  `,
  `
  -- What was counted in from another state so far (state/transfer/): its totals as JSON.
  CREATE TABLE brought (
    source TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    at INTEGER NOT NULL
  ) WITHOUT ROWID;
  -- This state is being moved, or was moved, into a database that a fleet shares, or is on its way back from there.
  CREATE TABLE moved (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    destination TEXT NOT NULL,      -- postgres | sqlite
    place TEXT NOT NULL,            -- of PostgreSQL: host, port and database
    is_over INTEGER NOT NULL,       -- 0: it was begun
    at INTEGER NOT NULL
  );
  `,
  `
  -- Where the state is a fleet's, this file keeps what cannot be stored there at the moment (state/fleet/).
  CREATE TABLE spooled (
    recording_id TEXT PRIMARY KEY,
    is_ahead INTEGER NOT NULL,      -- 1: something is to be brought over; 0: the fleet's database knows all of it
    forced INTEGER NOT NULL DEFAULT 0, -- 1: its webhooks are sent even if the endpoint has received the same
    since INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX spooled_ahead ON spooled (since) WHERE is_ahead = 1;
  -- Folders whose entry in the queue has changed, or is gone.
  CREATE TABLE spooled_folders (
    dir TEXT PRIMARY KEY,
    since INTEGER NOT NULL
  );
  -- What came of webhooks that were sent.
  CREATE TABLE spooled_settlements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    settlement TEXT NOT NULL        -- Settlement as JSON
  );
  `,
];
