//! What the doctor found, line by line, and which exit code it gives.

use std::borrow::Cow;
use std::fmt::Write as _;

use reports::{exit, plain};
use serde::Serialize;

/// How well a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    /// As it should be.
    Ok,
    /// A run works, and something in it will not be as good as it could.
    Warn,
    /// A run does not work.
    Fail,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was looked at: `names`, `tls`, `clients`.
    pub(super) area: &'static str,
    /// How well it is.
    pub(super) status: Health,
    /// What was seen.
    pub(super) what: String,
    /// What to do about it.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub(super) todo: Option<String>,
    /// The exit code that it gives.
    #[serde(skip)]
    code: u8,
}

impl Finding {
    /// All is well.
    pub(super) fn ok(area: &'static str, what: impl Into<String>) -> Self {
        Self {
            area,
            status: Health::Ok,
            what: what.into(),
            todo: None,
            code: exit::NOTHING_UNEXPECTED,
        }
    }

    /// Not all is well.
    pub(super) fn warn(area: &'static str, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            status: Health::Warn,
            todo: Some(todo.into()),
            ..Self::ok(area, what)
        }
    }

    /// The target cannot be reached or signed in to.
    pub(super) fn fail(area: &'static str, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            status: Health::Fail,
            code: exit::UNREACHABLE,
            ..Self::warn(area, what, todo)
        }
    }

    /// The same where somebody asked to go on all the same.
    pub(super) fn excused(self) -> Self {
        if self.status != Health::Fail {
            return self;
        }
        Self {
            status: Health::Warn,
            code: exit::NOTHING_UNEXPECTED,
            ..self
        }
    }

    /// The profile is wrong.
    pub(super) fn of_profile(area: &'static str, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            code: exit::BAD_INPUT,
            ..Self::fail(area, what, todo)
        }
    }

    /// A run would be incomplete.
    pub(super) fn incomplete(area: &'static str, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            code: exit::INCOMPLETE,
            ..Self::warn(area, what, todo)
        }
    }
}

/// What will not be run, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct LeftOut {
    /// `skip` or `unconfigured`.
    pub(super) status: &'static str,
    /// Why.
    pub(super) reason: String,
    /// Whether a run is incomplete for it.
    pub(super) incomplete: bool,
    /// Which verdicts.
    pub(super) ids: Vec<String>,
}

/// The whole rehearsal.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Examination {
    /// Name of the target.
    pub(super) target: String,
    /// Its FHIR base.
    pub(super) fhir_base: String,
    /// The lines, in the order in which they were found.
    pub(super) findings: Vec<Finding>,
    /// How many verdicts a run will give, without those that are left out.
    pub(super) will_run: usize,
    /// What will be left out.
    pub(super) left_out: Vec<LeftOut>,
    /// How many sign-ins a run needs: at least, at most.
    pub(super) sign_ins: (u32, u32),
    /// The exit code.
    pub(super) exit_code: u8,
}

impl Examination {
    /// Adds lines.
    pub(super) fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// Whether a line of this area fails.
    pub(super) fn failed(&self, area: &str) -> bool {
        let of_area = |one: &&Finding| one.area == area && one.status == Health::Fail;
        self.findings.iter().any(|one| of_area(&one))
    }

    /// The worst code of all lines, by the precedence of a run's.
    pub(super) fn conclude(&mut self) {
        let order = [exit::BAD_INPUT, exit::UNREACHABLE, exit::INCOMPLETE];
        let given = |code: &u8| self.findings.iter().any(|one| one.code == *code);
        self.exit_code = order
            .into_iter()
            .find(|code| given(code))
            .unwrap_or(exit::NOTHING_UNEXPECTED);
    }

    /// Puts every text through this: what the target said stands in most of them.
    pub(super) fn each_text(&mut self, change: impl Fn(&str) -> String) {
        for finding in &mut self.findings {
            finding.what = change(&finding.what);
            finding.todo = finding.todo.as_deref().map(&change);
        }
        for left in &mut self.left_out {
            left.reason = change(&left.reason);
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for finding in &self.findings {
            let word = match finding.status {
                Health::Ok => "ok",
                Health::Warn => "warn",
                Health::Fail => "FAIL",
            };
            let _ = writeln!(out, "{word:<5} {:<10} {}", finding.area, shown(&finding.what));
            if let Some(todo) = &finding.todo {
                let _ = writeln!(out, "{:17}→ {}", "", shown(todo));
            }
        }
        if self.will_run > 0 || !self.left_out.is_empty() {
            self.plan(&mut out);
        }
        let count = |status| self.findings.iter().filter(|one| one.status == status).count();
        let (warned, failed) = (count(Health::Warn), count(Health::Fail));
        let meaning = exit::meaning(self.exit_code).unwrap_or_default();
        let _ = writeln!(out, "\n{warned} to look at, {failed} in the way");
        let _ = write!(out, "exit code {}: {meaning}", self.exit_code);
        out
    }

    fn plan(&self, out: &mut String) {
        let (least, most) = self.sign_ins;
        let _ = writeln!(
            out,
            "\na run gives {} verdicts and needs {least} sign-ins at least, {most} at most; left out:",
            self.will_run
        );
        for left in &self.left_out {
            let _ = writeln!(out, "{:>6} {:<12} {}", left.ids.len(), left.status, shown(&left.reason));
        }
    }
}

/// A finding is one line, whatever a server put into it.
fn shown(text: &str) -> Cow<'_, str> {
    plain::line(text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_steers_no_terminal_and_begins_no_line() {
        let hostile = "4.0.1\n::error::x\u{1b}[2J secret";
        let mut all = Examination::default();
        all.add([Finding::warn("fhir", hostile, hostile)]);
        all.left_out.push(LeftOut {
            status: "skip",
            reason: hostile.to_owned(),
            incomplete: false,
            ids: vec!["a/b".to_owned()],
        });
        all.each_text(|text| text.replace("secret", "***"));
        let text = all.text();
        assert_eq!(text.matches("4.0.1\\n::error::x\\u{1b}[2J ***").count(), 3, "{text}");
        assert!(!text.contains("secret") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_wrong_profile_counts_more_than_a_server_that_is_away() {
        let mut all = Examination::default();
        all.conclude();
        assert_eq!(all.exit_code, exit::NOTHING_UNEXPECTED);
        all.add([Finding::ok("names", "x"), Finding::warn("clock", "x", "y")]);
        all.conclude();
        assert_eq!(all.exit_code, exit::NOTHING_UNEXPECTED);
        all.add([Finding::incomplete("plan", "x", "y")]);
        all.conclude();
        assert_eq!(all.exit_code, exit::INCOMPLETE);
        all.add([Finding::fail("tls", "x", "y")]);
        all.conclude();
        assert_eq!(all.exit_code, exit::UNREACHABLE);
        all.add([Finding::of_profile("keys", "x", "y")]);
        all.conclude();
        assert_eq!(all.exit_code, exit::BAD_INPUT);
        assert!(all.failed("tls") && !all.failed("clock"));
    }
}
