//! `report.html`: one file, no network, works without JavaScript. Evidence is hostile: everything is escaped, what
//! could deceive a reader is made visible, and a Content-Security-Policy forbids all but our own script and style.

mod curl;
mod exchange;
mod section;
mod sequence;
mod view;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::model::{Report, Status};
use exchange::StepBody;
use view::View;

const SCRIPT: &str = include_str!("../../../templates/report.js");
const STYLE: &str = include_str!("../../../templates/report.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    view: View,
    style: &'static str,
    script: &'static str,
    script_hash: String,
    style_hash: String,
}

/// The report as one HTML page, under 3 MiB whatever the run was.
pub fn render(report: &Report) -> String {
    let page = Page {
        view: View::of(report),
        style: STYLE,
        script: SCRIPT,
        script_hash: STANDARD.encode(Sha256::digest(SCRIPT)),
        style_hash: STANDARD.encode(Sha256::digest(STYLE)),
    };
    page.render()
        .expect("the template only formats strings and numbers into memory")
}
