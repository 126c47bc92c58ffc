//! The answer of a run: one of three sentences, and a count of duties; never a blended percentage.

use indexmap::IndexMap;

use crate::model::Report;
use crate::plain;
use crate::tally::{self, Outcome};

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// At least one duty is broken.
    DoesNotConform,
    /// None is broken, and not every duty was judged.
    Incomplete,
    /// None is broken, and every duty that a black-box test can see was judged.
    NoDeviation,
}

/// The answer, in numbers and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which of the three.
    pub conclusion: Conclusion,
    /// Duties that were judged and hold.
    pub held: usize,
    /// Duties that were judged: those that hold and those that are broken.
    pub judged: usize,
    /// Duties that are broken.
    pub broken: usize,
    /// Those of the broken ones that the baseline expects.
    pub known: usize,
    /// Duties that apply and were not judged, wholly or in part.
    pub not_run: usize,
    /// Why not, the most frequent reason first.
    pub whys: Vec<Why>,
    /// The whole sentence: `does not conform (3 SHALL broken)`.
    pub sentence: String,
    /// What stands in the brackets of the sentence; empty for the third.
    pub detail: String,
    /// `SHALL 118 of 121 hold, 9 not run`.
    pub tally: String,
}

/// One reason why duties were not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The reason, harmless and on one line.
    pub reason: String,
    /// How many duties it concerns.
    pub duties: usize,
}

impl Answer {
    /// The sentence without its brackets.
    pub fn headline(&self) -> &'static str {
        match self.conclusion {
            Conclusion::DoesNotConform => "does not conform",
            Conclusion::Incomplete => "no deviation found, incomplete",
            Conclusion::NoDeviation => "no deviation found in all that this version tests",
        }
    }
}

/// The answer that a report gives.
///
/// A deviation that the baseline expects is a deviation all the same: it is counted, and named as known.
pub fn answer(report: &Report) -> Answer {
    let duties = tally::duties(report);
    let count = |outcome| duties.values().filter(|duty| duty.outcome == outcome).count();
    let (held, broken, not_run) = (count(Outcome::Holds), count(Outcome::Broken), count(Outcome::NotRun));
    let known = duties
        .values()
        .filter(|duty| duty.outcome == Outcome::Broken && duty.known)
        .count();
    let whys = whys(
        duties
            .values()
            .filter(|d| d.outcome == Outcome::NotRun)
            .filter_map(|d| d.missing),
    );
    let judged = held + broken;

    let gaps = gaps(report, judged, not_run, &whys);
    let conclusion = match (broken, gaps.is_empty()) {
        (1.., _) => Conclusion::DoesNotConform,
        (0, false) => Conclusion::Incomplete,
        (0, true) => Conclusion::NoDeviation,
    };
    let detail = match conclusion {
        Conclusion::DoesNotConform => match known {
            0 => format!("{broken} SHALL broken"),
            _ if known == broken => format!("{broken} SHALL broken, all known"),
            _ => format!("{broken} SHALL broken, {known} of them known"),
        },
        Conclusion::Incomplete => gaps.join("; "),
        Conclusion::NoDeviation => String::new(),
    };
    let mut answer = Answer {
        conclusion,
        held,
        judged,
        broken,
        known,
        not_run,
        whys,
        sentence: String::new(),
        detail,
        tally: format!("SHALL {held} of {judged} hold, {not_run} not run"),
    };
    answer.sentence = match answer.detail.as_str() {
        "" => answer.headline().to_owned(),
        detail => format!("{} ({detail})", answer.headline()),
    };
    answer
}

/// What keeps the run from being complete, each in a few words.
fn gaps(report: &Report, judged: usize, not_run: usize, whys: &[Why]) -> Vec<String> {
    let mut gaps = Vec::new();
    if not_run > 0 {
        let why = match whys {
            [] => String::new(),
            [only] => format!(": {}", plain::cut(&only.reason, 120)),
            [first, rest @ ..] => {
                let others = if rest.len() == 1 {
                    "another reason"
                } else {
                    "other reasons"
                };
                format!(": {}, and {} {others}", plain::cut(&first.reason, 120), rest.len())
            }
        };
        gaps.push(format!("{not_run} SHALL not run{why}"));
    }
    if !report.run.complete {
        gaps.push(match &report.run.stopped {
            Some(why) => format!("the run ended early: {}", plain::cut(why, 120)),
            None => "the run was interrupted".to_owned(),
        });
    }
    if !report.run.selection.is_empty() {
        gaps.push(format!(
            "only {} was selected",
            plain::cut(&report.run.selection.join(" "), 80)
        ));
    }
    if judged == 0 && not_run == 0 {
        gaps.push("no SHALL was judged".to_owned());
    }
    gaps
}

fn whys<'a>(reasons: impl Iterator<Item = &'a str>) -> Vec<Why> {
    let mut counted: IndexMap<&str, usize> = IndexMap::new();
    for reason in reasons {
        *counted.entry(reason).or_default() += 1;
    }
    let mut whys: Vec<Why> = counted
        .into_iter()
        .map(|(reason, duties)| Why {
            reason: plain::line(reason).into_owned(),
            duties,
        })
        .collect();
    // Stable: equal numbers stay in the order in which they were met.
    whys.sort_by_key(|why| std::cmp::Reverse(why.duties));
    whys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, Status};
    use crate::sample::{report_of, verdict};

    fn sentence(verdicts: Vec<crate::model::Verdict>) -> String {
        answer(&report_of(verdicts)).sentence
    }

    #[test]
    fn the_three_sentences() {
        assert_eq!(
            sentence(vec![verdict("a/b", Status::Pass)]),
            "no deviation found in all that this version tests"
        );
        assert_eq!(
            sentence(vec![verdict("a/b", Status::Pass), verdict("a/c", Status::Fail)]),
            "does not conform (1 SHALL broken)"
        );
        let mut missing = verdict("a/c", Status::Unconfigured);
        missing.reason = Some("no symmetric client".to_owned());
        assert_eq!(
            sentence(vec![verdict("a/b", Status::Pass), missing]),
            "no deviation found, incomplete (1 SHALL not run: no symmetric client)"
        );
    }

    #[test]
    fn cases_of_one_scenario_are_one_duty_and_clients_are_several() {
        let mut verdicts = Vec::new();
        for client in ["public", "symmetric"] {
            for case in ["one", "two", "three"] {
                let mut verdict = verdict("redirect_uri/exact_match", Status::Fail);
                verdict.client = Some(client.to_owned());
                verdict.case = Some(case.to_owned());
                verdicts.push(verdict);
            }
        }
        let answer = answer(&report_of(verdicts));
        assert_eq!((answer.broken, answer.judged), (2, 2));
        assert_eq!(answer.tally, "SHALL 0 of 2 hold, 0 not run");
    }

    #[test]
    fn a_known_deviation_is_still_one() {
        let mut known = verdict("a/b", Status::Fail);
        known.expected_by_baseline = Some("EHR-1".to_owned());
        assert_eq!(
            sentence(vec![known.clone()]),
            "does not conform (1 SHALL broken, all known)"
        );
        assert_eq!(
            sentence(vec![known, verdict("a/c", Status::Fail)]),
            "does not conform (2 SHALL broken, 1 of them known)"
        );
    }

    #[test]
    fn recommendations_do_not_count_as_duties() {
        let mut should = verdict("a/b", Status::Warn);
        should.level = Level::Should;
        let answer = answer(&report_of(vec![should, verdict("a/c", Status::Pass)]));
        assert_eq!((answer.conclusion, answer.judged), (Conclusion::NoDeviation, 1));
    }

    #[test]
    fn nothing_judged_interrupted_or_narrowed_is_never_complete() {
        assert_eq!(sentence(vec![]), "no deviation found, incomplete (no SHALL was judged)");
        assert_eq!(
            sentence(vec![verdict("a/b", Status::Skip)]),
            "no deviation found, incomplete (no SHALL was judged)"
        );
        let mut report = report_of(vec![verdict("pkce/b", Status::Pass)]);
        report.run.complete = false;
        assert_eq!(
            answer(&report).sentence,
            "no deviation found, incomplete (the run was interrupted)"
        );
        report.run.complete = true;
        report.run.selection = vec!["pkce/".to_owned()];
        assert_eq!(
            answer(&report).sentence,
            "no deviation found, incomplete (only pkce/ was selected)"
        );
    }
}
