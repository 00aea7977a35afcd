/** The schema's second version: what came from another state, and what went into one. */
export const SCHEMA_V2 = `
  -- What was counted in from another state so far (state/transfer/): its totals as JSON.
  CREATE TABLE recordupload.brought (
    source TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL,
    at BIGINT NOT NULL
  );
  -- Machines whose state was moved into their own SQLite file again.
  CREATE TABLE recordupload.moved (
    machine TEXT COLLATE "C" PRIMARY KEY,
    at BIGINT NOT NULL
  );
`;
