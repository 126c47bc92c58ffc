//! `badge.json` (the endpoint schema of shields.io) and `badge.svg`: the answer in three words.

use serde::Serialize;

use crate::model::Report;
use crate::plain::cut;
use crate::{Answer, Conclusion, answer};

/// What a badge says.
struct Badge {
    label: String,
    message: String,
    /// shields' name for it, and ours.
    colour: (&'static str, &'static str),
}

impl Badge {
    fn of(report: &Report) -> Self {
        let answer = answer(report);
        Self {
            label: format!("SMART App Launch {}", cut(&report.target.smart_version, 12)),
            message: message(&answer),
            colour: match answer.conclusion {
                Conclusion::DoesNotConform => ("red", "#c4302b"),
                Conclusion::Incomplete => ("yellow", "#8f6a00"),
                Conclusion::NoDeviation => ("brightgreen", "#1b7a48"),
            },
        }
    }
}

fn message(answer: &Answer) -> String {
    match answer.conclusion {
        Conclusion::DoesNotConform => format!("{} SHALL broken", answer.broken),
        Conclusion::Incomplete => format!("incomplete, {} of {} SHALL hold", answer.held, answer.judged),
        Conclusion::NoDeviation => "no deviation found".to_owned(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    schema_version: u8,
    label: String,
    message: String,
    color: &'static str,
    cache_seconds: u32,
}

/// What shields.io reads from an address, `https://img.shields.io/endpoint?url=…`.
pub fn json(report: &Report) -> String {
    let badge = Badge::of(report);
    let endpoint = Endpoint {
        schema_version: 1,
        label: badge.label,
        message: badge.message,
        color: badge.colour.0,
        cache_seconds: 300,
    };
    let mut text = serde_json::to_string_pretty(&endpoint).expect("strings and numbers become JSON");
    text.push('\n');
    text
}

/// The badge itself.
pub fn svg(report: &Report) -> String {
    let badge = Badge::of(report);
    let (left, right) = (width(&badge.label), width(&badge.message));
    let whole = left + right;
    let (label, message) = (escaped(&badge.label), escaped(&badge.message));
    let colour = badge.colour.1;
    let (label_at, message_at) = (left / 2, left + right / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" \
         aria-label=\"{label}: {message}\">\n\
         <title>{label}: {message}</title>\n\
         <clipPath id=\"r\"><rect width=\"{whole}\" height=\"20\" rx=\"3\"/></clipPath>\n\
         <g clip-path=\"url(#r)\"><rect width=\"{left}\" height=\"20\" fill=\"#444b54\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{colour}\"/></g>\n\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,Geneva,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{label_at}\" y=\"14\">{label}</text><text x=\"{message_at}\" y=\"14\">{message}</text></g>\n\
         </svg>\n"
    )
}

/// Pixels of a text in Verdana 11, a little generously, and its margins.
fn width(text: &str) -> u32 {
    let tenths: u32 = text
        .chars()
        .map(|c| match c {
            'i' | 'l' | 'j' | '.' | ',' | ':' | ' ' | '|' => 40,
            'm' | 'w' | 'M' | 'W' => 105,
            'A'..='Z' => 80,
            _ if c.is_ascii() => 70,
            _ => 110,
        })
        .sum();
    tenths / 10 + 12
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
