/**
 * The second half of the schema's first version: counts of what is done, kept by triggers in the transaction of each
 * change, because counting the rows of a large table takes PostgreSQL as long as reading an index of it; and notices to
 * those who listen (changes.ts). Triggers run once a statement, not once a row.
 */
export const COUNTS_V1 = `
  -- Never negative in sum; each server process counts in a row of its own (shard), so that nobody waits for another one.
  CREATE TABLE recordupload.counts (
    kind TEXT COLLATE "C" NOT NULL, -- recording | delivery
    name TEXT COLLATE "C" NOT NULL, -- of recordings: done | removed; of deliveries: their state
    part TEXT COLLATE "C" NOT NULL, -- of recordings: the machine; of deliveries: the endpoint
    shard INTEGER NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (kind, name, part, shard)
  );

  CREATE FUNCTION recordupload.count_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      is_due boolean := false;
    BEGIN
      IF TG_OP = 'INSERT' THEN
        INSERT INTO recordupload.counts AS known (kind, name, part, shard, count)
          SELECT 'delivery', state, endpoint, pg_backend_pid() % 256, COUNT(*) FROM added
          GROUP BY state, endpoint ORDER BY state, endpoint
          ON CONFLICT (kind, name, part, shard) DO UPDATE SET count = known.count + excluded.count;
        SELECT EXISTS (SELECT 1 FROM added WHERE state = 'pending') INTO is_due;
      ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO recordupload.counts AS known (kind, name, part, shard, count)
          SELECT 'delivery', state, endpoint, pg_backend_pid() % 256, -COUNT(*) FROM removed
          GROUP BY state, endpoint ORDER BY state, endpoint
          ON CONFLICT (kind, name, part, shard) DO UPDATE SET count = known.count + excluded.count;
      ELSE
        INSERT INTO recordupload.counts AS known (kind, name, part, shard, count)
          SELECT 'delivery', state, endpoint, pg_backend_pid() % 256, SUM(n)
          FROM (SELECT state, endpoint, 1 AS n FROM added UNION ALL SELECT state, endpoint, -1 FROM removed) AS changed
          GROUP BY state, endpoint HAVING SUM(n) <> 0 ORDER BY state, endpoint
          ON CONFLICT (kind, name, part, shard) DO UPDATE SET count = known.count + excluded.count;
        SELECT EXISTS (SELECT 1 FROM added JOIN removed USING (seq)
          WHERE added.state = 'pending' AND removed.state <> 'pending') INTO is_due;
      END IF;
      IF is_due THEN
        PERFORM pg_notify('recordupload', 'deliveries');
      END IF;
      RETURN NULL;
    END $$;
  CREATE TRIGGER count_added AFTER INSERT ON recordupload.deliveries REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION recordupload.count_deliveries();
  CREATE TRIGGER count_changed AFTER UPDATE ON recordupload.deliveries
    REFERENCING NEW TABLE AS added OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION recordupload.count_deliveries();
  CREATE TRIGGER count_removed AFTER DELETE ON recordupload.deliveries REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION recordupload.count_deliveries();

  CREATE FUNCTION recordupload.count_recordings() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        INSERT INTO recordupload.counts AS known (kind, name, part, shard, count)
          SELECT 'recording', name, machine, pg_backend_pid() % 256, SUM(n)
          FROM (SELECT machine, state, created_at, local_removed_at, 1 AS n FROM added) AS changed, LATERAL (VALUES
            ('done', state = 'done' AND created_at > 0), ('removed', local_removed_at IS NOT NULL)) AS one (name, holds)
          WHERE holds GROUP BY name, machine HAVING SUM(n) <> 0 ORDER BY name, machine
          ON CONFLICT (kind, name, part, shard) DO UPDATE SET count = known.count + excluded.count;
      ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO recordupload.counts AS known (kind, name, part, shard, count)
          SELECT 'recording', name, machine, pg_backend_pid() % 256, SUM(n)
          FROM (SELECT machine, state, created_at, local_removed_at, -1 AS n FROM removed) AS changed, LATERAL (VALUES
            ('done', state = 'done' AND created_at > 0), ('removed', local_removed_at IS NOT NULL)) AS one (name, holds)
          WHERE holds GROUP BY name, machine HAVING SUM(n) <> 0 ORDER BY name, machine
          ON CONFLICT (kind, name, part, shard) DO UPDATE SET count = known.count + excluded.count;
      ELSE
        INSERT INTO recordupload.counts AS known (kind, name, part, shard, count)
          SELECT 'recording', name, machine, pg_backend_pid() % 256, SUM(n)
          FROM (SELECT machine, state, created_at, local_removed_at, 1 AS n FROM added
            UNION ALL SELECT machine, state, created_at, local_removed_at, -1 FROM removed) AS changed, LATERAL (VALUES
            ('done', state = 'done' AND created_at > 0), ('removed', local_removed_at IS NOT NULL)) AS one (name, holds)
          WHERE holds GROUP BY name, machine HAVING SUM(n) <> 0 ORDER BY name, machine
          ON CONFLICT (kind, name, part, shard) DO UPDATE SET count = known.count + excluded.count;
      END IF;
      RETURN NULL;
    END $$;
  CREATE TRIGGER count_added AFTER INSERT ON recordupload.recordings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION recordupload.count_recordings();
  CREATE TRIGGER count_changed AFTER UPDATE ON recordupload.recordings
    REFERENCING NEW TABLE AS added OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION recordupload.count_recordings();
  CREATE TRIGGER count_removed AFTER DELETE ON recordupload.recordings REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION recordupload.count_recordings();

  CREATE FUNCTION recordupload.tell_of_queue() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_notify('recordupload', 'queue ' || NEW.machine);
      RETURN NULL;
    END $$;
  CREATE TRIGGER tell_added AFTER INSERT ON recordupload.queue
    FOR EACH ROW EXECUTE FUNCTION recordupload.tell_of_queue();
  CREATE TRIGGER tell_asked AFTER UPDATE OF asked_at ON recordupload.queue
    FOR EACH ROW EXECUTE FUNCTION recordupload.tell_of_queue();
`;
