use crate::journal::JournalError;
use rusqlite::Connection;

/// The schema, one migration after the other. The database's `user_version` says how many it has had; a migration
/// that was released is never changed, the next one is added.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    -- The state that deciding remembers; `revision` is compared and set.
    CREATE TABLE checks (
        check_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, is_open INTEGER NOT NULL, state TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX checks_open ON checks (check_id) WHERE is_open = 1;
    -- Results that were consumed; `document` is the wire format.
    CREATE TABLE results (
        id INTEGER PRIMARY KEY, check_id TEXT NOT NULL, region TEXT NOT NULL, slot INTEGER NOT NULL,
        attempt INTEGER NOT NULL, started_at INTEGER NOT NULL, duration_us INTEGER NOT NULL, verdict TEXT NOT NULL,
        class TEXT, message TEXT NOT NULL, received_at INTEGER NOT NULL, late INTEGER NOT NULL, document BLOB NOT NULL,
        UNIQUE (check_id, region, slot, attempt)
    );
    CREATE TABLE latest (
        check_id TEXT NOT NULL, region TEXT NOT NULL, slot INTEGER NOT NULL, result INTEGER NOT NULL,
        PRIMARY KEY (check_id, region)
    ) WITHOUT ROWID;
    CREATE TABLE incidents (
        number INTEGER PRIMARY KEY, check_id TEXT NOT NULL, status TEXT NOT NULL, opened_at INTEGER NOT NULL,
        ended_at INTEGER, report TEXT NOT NULL
    );
    CREATE INDEX incidents_check ON incidents (check_id, number);
    CREATE INDEX incidents_open ON incidents (number) WHERE status = 'open';
    CREATE TABLE trail (
        id INTEGER PRIMARY KEY, incident INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
    );
    CREATE INDEX trail_incident ON trail (incident, id);
    -- `uncertain`: an attempt may have reached the provider, and its answer is not known.
    CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, incident INTEGER NOT NULL,
        check_id TEXT NOT NULL, kind TEXT NOT NULL, lane TEXT NOT NULL, role TEXT NOT NULL, page INTEGER NOT NULL,
        notification TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, uncertain INTEGER NOT NULL,
        created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, lease_until INTEGER, receipt TEXT, problem TEXT
    );
    CREATE INDEX outbox_waiting ON outbox (kind, due_at) WHERE state IN ('pending', 'leased');
    CREATE INDEX outbox_lane ON outbox (incident, lane, seq);
    CREATE INDEX outbox_failed_pages ON outbox (incident) WHERE page = 1 AND state = 'failed';
    CREATE TABLE attempts (
        notification TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
        outcome TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (notification, number)
    ) WITHOUT ROWID;
",
    "
    CREATE TABLE silences (id INTEGER PRIMARY KEY AUTOINCREMENT, until INTEGER NOT NULL, created_at INTEGER NOT NULL,
        silence TEXT NOT NULL);
    -- When `due_at` was decided on: a clock that shows less has been set back since.
    ALTER TABLE outbox ADD COLUMN due_set_at INTEGER NOT NULL DEFAULT 0;
    -- The message of another row that carries this one as well, and the post of another incident that it joins.
    ALTER TABLE outbox ADD COLUMN carrier TEXT;
    ALTER TABLE outbox ADD COLUMN joins TEXT;
    CREATE INDEX outbox_carried ON outbox (carrier) WHERE carrier IS NOT NULL;
    CREATE INDEX outbox_posts ON outbox (lane, receipt) WHERE role = 'post';
    -- What was sent last to one place, whichever incident it was about.
    CREATE TABLE lanes (
        lane TEXT PRIMARY KEY, sent_at INTEGER NOT NULL, post TEXT, post_at INTEGER, post_before_at INTEGER
    ) WITHOUT ROWID;
",
    "
    -- When an attempt ended that may have reached the provider.
    ALTER TABLE outbox ADD COLUMN left_at INTEGER;
    UPDATE outbox SET left_at = due_set_at WHERE uncertain = 1;
    CREATE INDEX outbox_places ON outbox (lane, seq) WHERE state IN ('pending', 'leased');
    -- When something last went to a place, by what it was and whether it was a page.
    DROP TABLE lanes;
    CREATE TABLE departures (
        lane TEXT NOT NULL, stream TEXT NOT NULL, page INTEGER NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (lane, stream, page)
    ) WITHOUT ROWID;
",
    "
    -- What became of a message after its provider had taken it; `lost`: nobody got it.
    CREATE TABLE handset_reports (
        notification TEXT NOT NULL, fate TEXT NOT NULL, at INTEGER NOT NULL, lost INTEGER NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY (notification, fate)
    ) WITHOUT ROWID;
",
    "
    -- What programs said last that are expected to call.
    CREATE TABLE heartbeats (name TEXT PRIMARY KEY, heard TEXT NOT NULL) WITHOUT ROWID;
",
];

/// Brings the database to this build's schema, and refuses one that a newer build has written.
pub(super) fn migrate(connection: &Connection, path: &str) -> Result<(), JournalError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found = version(connection)?;
    if found > known {
        return Err(JournalError::NewerSchema { path: path.to_owned(), found, known });
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        connection
            .execute_batch(&format!("BEGIN IMMEDIATE; {migration} PRAGMA user_version = {}; COMMIT;", index + 1))?;
    }
    Ok(())
}

/// For readers, who change nothing: refuses what this build cannot read.
pub(super) fn check(connection: &Connection, path: &str) -> Result<(), JournalError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    match version(connection)? {
        found if found > known => Err(JournalError::NewerSchema { path: path.to_owned(), found, known }),
        found if found < known => Err(JournalError::Open {
            path: path.to_owned(),
            problem: format!("schema {found} is older than this build's {known}: start `tocsin up` once to migrate it"),
        }),
        _ => Ok(()),
    }
}

fn version(connection: &Connection) -> Result<i64, JournalError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}
