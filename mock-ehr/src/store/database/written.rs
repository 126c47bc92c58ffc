//! What apps wrote by FHIR, as a log: each entry has the next number, and whoever is first with a number has it.
//! The last entry is never deleted, so that no number is given twice.

use super::sql::Value;
use super::{Database, Trouble};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The next version of `Type/id`; without a body it was deleted.
    Version { key: String, body: Option<String> },
    /// The version of this number is taken back, as though it had never been written.
    Back { key: String, seq: i64 },
    /// Everything is forgotten.
    Clear,
    /// What was taken back until this number is not told any more: whoever knows less begins anew.
    Floor,
}

/// So many versions of one resource are kept.
const VERSIONS: i64 = 50;
/// So many versions that were taken back are told to whoever does not know of it yet.
const TAKEN_BACK: i64 = 1_000;

impl Database {
    /// What came after this number, in order.
    pub(crate) fn written_after(&self, seq: i64) -> Result<Vec<(i64, Entry)>, Trouble> {
        let statement = "SELECT seq, what, key, body FROM launchproof_written WHERE seq > ?1 \
            UNION ALL SELECT value, 'floor', '', '' FROM launchproof_counters WHERE name = 'floor' AND value > ?1 \
            ORDER BY 1";
        let found = self.ask(statement, vec![seq.into()])?;
        found
            .into_iter()
            .map(|mut found| {
                let seq = found.number()?;
                let (what, key, body) = (found.text()?, found.text()?, found.text()?);
                let entry = match what.as_str() {
                    "version" => Entry::Version { key, body: Some(body) },
                    "deleted" => Entry::Version { key, body: None },
                    "back" => Entry::Back {
                        key,
                        seq: body.parse().unwrap_or_default(),
                    },
                    "floor" => Entry::Floor,
                    _ => Entry::Clear,
                };
                Ok((seq, entry))
            })
            .collect()
    }

    /// Adds an entry under this number; `false` where somebody else was faster.
    pub(crate) fn write_down(&self, seq: i64, entry: &Entry) -> Result<bool, Trouble> {
        let (what, key, body) = match entry {
            Entry::Version { key, body: Some(body) } => ("version", key.as_str(), body.clone()),
            Entry::Version { key, body: None } => ("deleted", key.as_str(), String::new()),
            Entry::Back { key, seq } => ("back", key.as_str(), seq.to_string()),
            Entry::Clear | Entry::Floor => ("clear", "", String::new()),
        };
        // Beyond all that are there: the number of what went is not given again, since others know of it and would not ask.
        let statement = "INSERT INTO launchproof_written (seq, what, key, body) \
            SELECT CAST(?1 AS BIGINT), CAST(?2 AS TEXT), CAST(?3 AS TEXT), CAST(?4 AS TEXT) \
            WHERE CAST(?1 AS BIGINT) > (SELECT COALESCE(MAX(w.seq), 0) FROM launchproof_written w) \
            ON CONFLICT (seq) DO NOTHING";
        let values = vec![seq.into(), what.into(), key.into(), body.into()];
        if self.tell(statement, values)? == 0 {
            return Ok(false);
        }
        self.cut_behind(seq, entry)?;
        Ok(true)
    }

    /// What an entry makes needless goes with it.
    fn cut_behind(&self, seq: i64, entry: &Entry) -> Result<(), Trouble> {
        match entry {
            Entry::Version { key, .. } => {
                let statement = "DELETE FROM launchproof_written WHERE key = ?1 AND what <> 'back' AND seq <= \
                    (SELECT w.seq FROM launchproof_written w WHERE w.key = ?1 AND w.what <> 'back' \
                    ORDER BY w.seq DESC LIMIT 1 OFFSET ?2)";
                self.tell(statement, vec![key.as_str().into(), VERSIONS.into()])?;
            }
            Entry::Back { seq: taken, .. } => {
                self.tell("DELETE FROM launchproof_written WHERE seq = ?1", vec![(*taken).into()])?;
                self.forget_taken_back()?;
            }
            Entry::Clear | Entry::Floor => {
                self.tell("DELETE FROM launchproof_written WHERE seq < ?1", vec![seq.into()])?;
            }
        }
        Ok(())
    }

    fn forget_taken_back(&self) -> Result<(), Trouble> {
        let statement = "SELECT seq FROM launchproof_written WHERE what = 'back' ORDER BY seq DESC LIMIT 1 OFFSET ?1";
        let found = self.ask(statement, vec![TAKEN_BACK.into()])?;
        let Some(mut found) = found.into_iter().next() else {
            return Ok(());
        };
        let floor: Value = found.number()?.into();
        // Told first, so that nobody misses what goes.
        let statement = "INSERT INTO launchproof_counters (name, value) VALUES ('floor', ?1) \
            ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE launchproof_counters.value < excluded.value";
        self.tell(statement, vec![floor.clone()])?;
        self.tell(
            "DELETE FROM launchproof_written WHERE what = 'back' AND seq <= ?1",
            vec![floor],
        )?;
        Ok(())
    }
}
