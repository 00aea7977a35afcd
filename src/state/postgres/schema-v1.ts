/** What comes before the first version; it may be there already. */
export const CREATE_SCHEMA = 'CREATE SCHEMA IF NOT EXISTS recordupload;';

/** The same: what says which version the schema has. */
export const CREATE_VERSION = `CREATE TABLE IF NOT EXISTS recordupload.schema_version (
  only_row INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  version INTEGER NOT NULL
);
INSERT INTO recordupload.schema_version (version) VALUES (0) ON CONFLICT DO NOTHING;`;

/**
 * The schema's first version. Names are those of SQLite's schema (sqlite/migrations.ts says what each is for); what is
 * different here: a machine has folders, and owners of claims live as long as their session's lock.
 *
 * Times are milliseconds since 1970. Names are compared byte by byte (COLLATE "C"), as SQLite does.
 */
export const SCHEMA_V1 = `
  CREATE FUNCTION recordupload.now_ms() RETURNS bigint LANGUAGE sql VOLATILE
    AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;
  -- The title in a recording's details; null for what is no JSON, or has a character that PostgreSQL does not keep.
  CREATE FUNCTION recordupload.title_of(details text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
      RETURN details::json ->> 'title';
    EXCEPTION WHEN data_exception THEN
      RETURN NULL;
    END $$;

  CREATE TABLE recordupload.machines (
    name TEXT COLLATE "C" PRIMARY KEY,
    fingerprint TEXT NOT NULL,      -- tells two machines that have one name apart
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,      -- when a process of it last became an owner
    version TEXT NOT NULL           -- of the program
  );

  -- A process that holds claims.
  CREATE TABLE recordupload.owners (
    id TEXT COLLATE "C" PRIMARY KEY,
    machine TEXT COLLATE "C" NOT NULL,
    pid INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    lock_key BIGINT NOT NULL,       -- of the advisory lock that its session holds
    lease_until BIGINT,             -- behind a pooler, where it has no session; null: the lock says whether it lives
    doing TEXT
  );
  CREATE INDEX owners_of_machine ON recordupload.owners (machine);
  CREATE VIEW recordupload.living_owners AS
    SELECT * FROM recordupload.owners
    WHERE lease_until > recordupload.now_ms()
      OR lease_until IS NULL AND lock_key IN (
        SELECT (classid::bigint << 32) | objid::bigint FROM pg_catalog.pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
          AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()));

  -- No two machines can have one id: the key is the fleet's.
  CREATE TABLE recordupload.recordings (
    target TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    machine TEXT COLLATE "C" NOT NULL,
    dir TEXT COLLATE "C" NOT NULL,
    details TEXT NOT NULL,
    title TEXT COLLATE "C" GENERATED ALWAYS AS (recordupload.title_of(details)) STORED,
    state TEXT COLLATE "C" NOT NULL,
    error TEXT,
    metadata TEXT,
    metadata_etag TEXT,
    webhooks SMALLINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    claimed_by TEXT COLLATE "C",
    unfinished_since BIGINT,
    token TEXT,
    refused SMALLINT NOT NULL DEFAULT 0,
    done_at BIGINT,
    sent_at BIGINT,
    local_removing SMALLINT NOT NULL DEFAULT 0,
    local_removed_at BIGINT,
    local_note TEXT,
    PRIMARY KEY (target, id)
  );
  CREATE INDEX recordings_unfinished ON recordupload.recordings (target, updated_at) WHERE state <> 'done';
  CREATE INDEX recordings_since ON recordupload.recordings (unfinished_since) WHERE state <> 'done';
  CREATE INDEX recordings_claimed ON recordupload.recordings (claimed_by) WHERE claimed_by IS NOT NULL;
  CREATE INDEX recordings_by_id ON recordupload.recordings (id);
  -- What lists ask for: the newest first, page by page.
  CREATE INDEX recordings_touched ON recordupload.recordings (updated_at, target, id) WHERE created_at > 0;
  CREATE INDEX recordings_of_machine ON recordupload.recordings (machine, updated_at, target, id) WHERE created_at > 0;
  CREATE INDEX recordings_partial ON recordupload.recordings (updated_at, target, id)
    WHERE created_at > 0 AND state <> 'done';
  -- A path may be longer than an ordered index takes.
  CREATE INDEX recordings_of_folder ON recordupload.recordings USING hash (dir);
  CREATE INDEX recordings_local ON recordupload.recordings (target, machine, done_at)
    WHERE state = 'done' AND local_removed_at IS NULL;
  CREATE INDEX recordings_removed ON recordupload.recordings (local_removed_at) WHERE local_removed_at IS NOT NULL;
  CREATE INDEX recordings_removing ON recordupload.recordings (machine) WHERE local_removing = 1;

  CREATE TABLE recordupload.files (
    target TEXT COLLATE "C" NOT NULL,
    recording_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    size BIGINT NOT NULL,
    mtime_ns TEXT NOT NULL,
    inode TEXT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    part_size BIGINT,
    checksum TEXT,
    etag TEXT,
    token TEXT,
    error TEXT,
    updated_at BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (target, recording_id, name)
  );
  CREATE INDEX files_stored ON recordupload.files (updated_at) INCLUDE (size) WHERE state = 'uploaded';

  CREATE TABLE recordupload.multipart_uploads (
    target TEXT COLLATE "C" NOT NULL,
    recording_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    upload_id TEXT COLLATE "C",
    token TEXT NOT NULL,
    part_size BIGINT NOT NULL,
    size BIGINT NOT NULL,
    mtime_ns TEXT NOT NULL,
    inode TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    asked_at BIGINT,
    live SMALLINT NOT NULL DEFAULT 0,
    PRIMARY KEY (target, recording_id, name)
  );
  CREATE TABLE recordupload.parts (
    target TEXT COLLATE "C" NOT NULL,
    recording_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    etag TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (target, recording_id, name, number)
  );
  CREATE TABLE recordupload.begun_uploads (
    target TEXT COLLATE "C" NOT NULL,
    upload_id TEXT COLLATE "C" NOT NULL,
    machine TEXT COLLATE "C" NOT NULL,
    begun_at BIGINT NOT NULL,
    key TEXT COLLATE "C",
    PRIMARY KEY (target, upload_id)
  );
  CREATE INDEX begun_uploads_of_key ON recordupload.begun_uploads (key text_pattern_ops);

  CREATE TABLE recordupload.endpoints (
    name TEXT COLLATE "C" PRIMARY KEY,
    disabled_reason TEXT,
    disabled_at BIGINT,
    refused_fingerprint TEXT,
    refused_salt TEXT,
    refused_at BIGINT,
    failures INTEGER NOT NULL DEFAULT 0, -- in a row, of all machines
    open_until BIGINT,              -- until when nothing is sent to it; null: its circuit is closed
    probe_by TEXT COLLATE "C",      -- owners.id of the process that looks whether it works again
    probe_until BIGINT
  );

  CREATE TABLE recordupload.deliveries (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    webhook_id TEXT COLLATE "C" NOT NULL UNIQUE,
    endpoint TEXT COLLATE "C" NOT NULL,
    recording_id TEXT COLLATE "C" NOT NULL,
    payload TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    held_reason TEXT COLLATE "C",
    attempts INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    settled_at BIGINT,
    claimed_by TEXT COLLATE "C",
    claim TEXT,
    claimed_at BIGINT,
    in_flight_until BIGINT
  );
  CREATE INDEX deliveries_due ON recordupload.deliveries (endpoint, next_at, seq) WHERE state = 'pending';
  CREATE INDEX deliveries_next ON recordupload.deliveries (next_at) WHERE state = 'pending';
  CREATE INDEX deliveries_oldest ON recordupload.deliveries (seq) WHERE state = 'pending';
  CREATE INDEX deliveries_held ON recordupload.deliveries (endpoint, held_reason) WHERE state = 'held';
  CREATE INDEX deliveries_of_recording ON recordupload.deliveries (recording_id, endpoint, seq);
  CREATE INDEX deliveries_claimed ON recordupload.deliveries (claimed_by) WHERE claimed_by IS NOT NULL;
  CREATE INDEX deliveries_settled ON recordupload.deliveries (state, settled_at);
  CREATE INDEX deliveries_in_flight ON recordupload.deliveries (in_flight_until) WHERE in_flight_until IS NOT NULL;

  CREATE TABLE recordupload.attempts (
    delivery BIGINT NOT NULL REFERENCES recordupload.deliveries (seq) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    trigger TEXT NOT NULL,
    at BIGINT NOT NULL,
    duration BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER,
    error TEXT,
    excerpt TEXT,
    machine TEXT COLLATE "C",       -- that sent it
    PRIMARY KEY (delivery, number)
  );
  CREATE TABLE recordupload.pruned_deliveries (
    recording_id TEXT COLLATE "C" NOT NULL,
    endpoint TEXT COLLATE "C" NOT NULL,
    webhook_id TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    settled_at BIGINT NOT NULL,
    PRIMARY KEY (recording_id, endpoint)
  );

  CREATE TABLE recordupload.queue (
    machine TEXT COLLATE "C" NOT NULL,
    dir TEXT COLLATE "C" NOT NULL,
    -- The folder, as far as an index takes it.
    dir_key TEXT COLLATE "C" GENERATED ALWAYS AS (CASE WHEN octet_length(dir) < 2000 THEN dir ELSE md5(dir) END) STORED,
    recording_id TEXT COLLATE "C" NOT NULL,
    origin TEXT NOT NULL,
    asked TEXT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT,
    hint TEXT,
    since BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    PRIMARY KEY (machine, dir_key)
  );
  CREATE INDEX queue_since ON recordupload.queue (state, since);
  CREATE INDEX queue_due ON recordupload.queue (machine, next_at);
  CREATE INDEX queue_of_recording ON recordupload.queue (recording_id);
  CREATE INDEX queue_of_folder ON recordupload.queue USING hash (dir);

  -- The process of \`recordupload watch\`: at most one on each machine lives.
  CREATE TABLE recordupload.worker (
    machine TEXT COLLATE "C" PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL,
    pid INTEGER NOT NULL,
    since BIGINT NOT NULL
  );

  CREATE TABLE recordupload.totals (
    name TEXT COLLATE "C" NOT NULL,
    labels TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    sum DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (name, labels)
  );
  -- The same, and more of it: each server process counts in a row of its own (shard), so that nobody waits for another one.
  CREATE TABLE recordupload.sharded_totals (
    name TEXT COLLATE "C" NOT NULL,
    labels TEXT COLLATE "C" NOT NULL,
    shard INTEGER NOT NULL,
    count BIGINT NOT NULL,
    sum DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (name, labels, shard)
  );
  CREATE VIEW recordupload.all_totals AS
    SELECT name, labels, SUM(count)::bigint AS count, SUM(sum) AS sum FROM (
      SELECT name, labels, count, sum FROM recordupload.totals
      UNION ALL SELECT name, labels, count, sum FROM recordupload.sharded_totals) AS each
    GROUP BY name, labels;
  CREATE TABLE recordupload.successes (
    name TEXT COLLATE "C" PRIMARY KEY,
    at BIGINT NOT NULL
  );

  -- Whose configuration has a target of alerts.
  CREATE TABLE recordupload.alert_targets (
    target TEXT COLLATE "C" NOT NULL,
    machine TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (target, machine)
  );
  CREATE TABLE recordupload.alert_causes (
    target TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    event TEXT NOT NULL,
    text TEXT NOT NULL,
    count BIGINT,
    since BIGINT NOT NULL,
    PRIMARY KEY (target, key)
  );
  CREATE TABLE recordupload.alert_messages (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    target TEXT COLLATE "C" NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL
  );
  CREATE INDEX alert_messages_due ON recordupload.alert_messages (next_at);
`;
