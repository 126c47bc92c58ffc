//! The words of `--report`, and the files that they stand for.

use clap::ValueEnum;
use reports::model::Report;
use reports::render::File;

/// Formats beside the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// `report.html`: one page for people
    Html,
    /// `junit.xml`: for CI servers
    Junit,
    /// `run.json`: everything; written in any case
    Json,
    /// `events.jsonl`: one line an event, while it runs
    Events,
    /// `report.sarif`: for code scanning
    Sarif,
    /// `evidence.har`: every exchange, for browsers' developer tools
    Har,
    /// `summary.md`: for step summaries and merge requests
    Summary,
    /// `testreport.json`: a FHIR R4 TestReport
    Testreport,
    /// `badge.json` and `badge.svg`
    Badge,
    /// Every one of them
    All,
}

impl Format {
    fn files(self) -> &'static [File] {
        match self {
            Self::Html => &[File::Html],
            Self::Junit => &[File::Junit],
            Self::Json => &[File::Json],
            // Written while the run goes on, and not made of its report.
            Self::Events => &[],
            Self::Sarif => &[File::Sarif],
            Self::Har => &[File::Har],
            Self::Summary => &[File::Summary],
            Self::Testreport => &[File::TestReport],
            Self::Badge => &[File::Badge, File::BadgeSvg],
            Self::All => &File::ALL,
        }
    }
}

/// Whether this one is asked for, by its own word or by `all`.
pub(super) fn wants(formats: &[Format], format: Format) -> bool {
    formats.contains(&format) || formats.contains(&Format::All)
}

/// The files that are asked for, each once.
pub(super) fn files(formats: &[Format]) -> Vec<File> {
    let mut files = Vec::new();
    for file in formats.iter().flat_map(|format| format.files()) {
        if !files.contains(file) {
            files.push(*file);
        }
    }
    files
}

/// Makes these files side by side, and gives each to `put` in their order. In JUnit, warnings are failures where `strict`.
pub(super) fn make<E>(
    files: &[File],
    report: &Report,
    strict: bool,
    mut put: impl FnMut(File, String) -> Result<(), E>,
) -> Result<(), E> {
    std::thread::scope(|scope| {
        let made: Vec<_> = files
            .iter()
            .map(|file| (*file, scope.spawn(move || file.render(report, strict))))
            .collect();
        for (file, thread) in made {
            match thread.join() {
                Ok(text) => put(file, text)?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_all_and_none_comes_twice() {
        let all = files(&[Format::Html, Format::All, Format::Badge]);
        assert_eq!(all.len(), File::ALL.len());
        assert_eq!(files(&[Format::Events]), []);
        assert!(wants(&[Format::All], Format::Events) && !wants(&[Format::Html], Format::Events));
        let every: Vec<File> = Format::value_variants()
            .iter()
            .flat_map(|format| format.files())
            .copied()
            .collect();
        assert!(File::ALL.iter().all(|file| every.contains(file)));
    }
}
