//! The tables, and their version: what a newer program made is left alone.

use super::DatabaseError;
use super::sql::Sql;

/// Counts up with every change that an older program could not live with.
const VERSION: i64 = 1;

const FIRST: &str = "CREATE TABLE IF NOT EXISTS launchproof_schema (version BIGINT NOT NULL); ";

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS launchproof_rows (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        version BIGINT NOT NULL,
        client TEXT NOT NULL,
        username TEXT NOT NULL,
        grant_id TEXT NOT NULL,
        until BIGINT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (kind, key)
    );
    CREATE INDEX IF NOT EXISTS launchproof_rows_until ON launchproof_rows (until);
    CREATE INDEX IF NOT EXISTS launchproof_rows_client ON launchproof_rows (kind, client);
    CREATE INDEX IF NOT EXISTS launchproof_rows_username ON launchproof_rows (kind, username);
    CREATE INDEX IF NOT EXISTS launchproof_rows_grant ON launchproof_rows (grant_id);
    CREATE TABLE IF NOT EXISTS launchproof_ended (
        grant_id TEXT PRIMARY KEY,
        ended_at BIGINT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS launchproof_counters (
        name TEXT PRIMARY KEY,
        value BIGINT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS launchproof_written (
        seq BIGINT PRIMARY KEY,
        what TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS launchproof_written_key ON launchproof_written (key, seq);
    INSERT INTO launchproof_schema (version) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM launchproof_schema);
";

/// Makes what is not there yet.
pub(super) fn prepare(sql: &dyn Sql) -> Result<(), DatabaseError> {
    let made = |done: Result<(), crate::store::trouble::Trouble>| {
        done.map_err(|trouble| DatabaseError::Tables(trouble.to_string()))
    };
    made(sql.build(FIRST))?;
    match version(sql)? {
        Some(found) if found > VERSION => {
            return Err(DatabaseError::Newer { found, known: VERSION });
        }
        _ => {}
    }
    made(sql.build(TABLES))
}

fn version(sql: &dyn Sql) -> Result<Option<i64>, DatabaseError> {
    let found = sql
        .ask(
            "SELECT version FROM launchproof_schema ORDER BY version DESC LIMIT 1",
            Vec::new(),
        )
        .and_then(|found| found.into_iter().next().map(|mut found| found.number()).transpose());
    found.map_err(|trouble| DatabaseError::Tables(trouble.to_string()))
}
