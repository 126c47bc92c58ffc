//! The files that a report becomes: their names, and what makes them.

use super::{badge, har, html, json, junit, markdown, sarif, testreport};
use crate::model::Report;

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// `run.json`
    Json,
    /// `report.html`
    Html,
    /// `junit.xml`
    Junit,
    /// `report.sarif`
    Sarif,
    /// `evidence.har`
    Har,
    /// `summary.md`
    Summary,
    /// `testreport.json`
    TestReport,
    /// `badge.json`
    Badge,
    /// `badge.svg`
    BadgeSvg,
}

impl File {
    /// All of them; the one that takes longest first.
    pub const ALL: [Self; 9] = [
        Self::Html,
        Self::Json,
        Self::Har,
        Self::Junit,
        Self::Sarif,
        Self::Summary,
        Self::TestReport,
        Self::Badge,
        Self::BadgeSvg,
    ];

    /// Its name in the folder of the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "run.json",
            Self::Html => "report.html",
            Self::Junit => "junit.xml",
            Self::Sarif => "report.sarif",
            Self::Har => "evidence.har",
            Self::Summary => "summary.md",
            Self::TestReport => "testreport.json",
            Self::Badge => "badge.json",
            Self::BadgeSvg => "badge.svg",
        }
    }

    /// What stands in it. In JUnit, warnings are failures where `strict`.
    pub fn render(self, report: &Report, strict: bool) -> String {
        match self {
            Self::Json => json::render(report),
            Self::Html => html::render(report),
            Self::Junit => junit::render(report, strict),
            Self::Sarif => sarif::render(report),
            Self::Har => har::render(report),
            Self::Summary => markdown::render(report),
            Self::TestReport => testreport::render(report),
            Self::Badge => badge::json(report),
            Self::BadgeSvg => badge::svg(report),
        }
    }
}
