//! The injection corpus: the sample with every string of it poisoned, one report for each payload and manner.

use reports::model::Report;
use serde_json::{Map, Value};

use crate::every_outcome;

/// What a hostile server might answer, by name.
pub(crate) fn payloads() -> Vec<(&'static str, String)> {
    let fixed = [
        ("script", "<script>window.__ran=1</script>"),
        ("closing script", "</script><script>window.__ran=1</script>"),
        (
            "closing everything",
            "\"'></title></style></textarea></template></noscript></script><script>window.__ran=1</script>",
        ),
        ("image", "<img src=x onerror=\"window.__ran=1\">"),
        (
            "remote image",
            "<img src=\"http://127.0.0.1:9/leak.png\"><link rel=stylesheet href=http://127.0.0.1:9/a.css>",
        ),
        ("javascript URL", "javascript:window.__ran=1"),
        ("javascript URL, disguised", " \u{1}JaVaScRiPt&#58;window.__ran=1"),
        ("data URL", "data:text/html,<script>parent.__ran=1</script>"),
        ("vbscript URL", "vbscript:window.__ran=1"),
        (
            "attribute",
            "x\" onmouseover=\"window.__ran=1\" autofocus onfocus=\"window.__ran=1\" style=\"position:fixed;inset:0",
        ),
        (
            "unquoted attribute",
            "x onfocus=window.__ran=1 autofocus tabindex=0 id=main name=main",
        ),
        (
            "svg",
            "<svg onload=window.__ran=1><animate onbegin=window.__ran=1 attributeName=x dur=1s></svg>",
        ),
        (
            "svg use",
            "<svg><use href=\"data:image/svg+xml,<svg id=x onload=window.__ran=1>#x\"/></svg></text></g>",
        ),
        (
            "mathml",
            "<math><mtext></p><style><!--</style><img src=x onerror=window.__ran=1>",
        ),
        (
            "css",
            "</style><style>*{display:none!important}body{background:url(http://127.0.0.1:9/css)}",
        ),
        (
            "css declaration",
            "red;background:url(http://127.0.0.1:9/css);position:fixed;inset:0;z-index:9999",
        ),
        (
            "frame",
            "<iframe srcdoc=\"<script>parent.__ran=1</script>\"></iframe><object data=x></object><embed src=x>",
        ),
        (
            "refresh",
            "<meta http-equiv=refresh content=\"0;url=http://127.0.0.1:9/\"><base href=http://127.0.0.1:9/>",
        ),
        (
            "form",
            "<form action=http://127.0.0.1:9/><input name=p autofocus><button>Sign in</button></form>",
        ),
        ("comment", "--><!--<![CDATA[]]><?xml version=\"1.0\"?>"),
        (
            "bidi",
            "\u{202e}gnp.exe\u{202c} \u{2066}x\u{2069} \u{200f}\u{200b}\u{feff}\u{2028}\u{2029}",
        ),
        (
            "controls",
            "a\0b\u{1}\u{8}\u{b}\u{c}\u{1b}[31m\u{7f}\u{9b}\u{85}\r\n\t\u{fffe}\u{ffff}",
        ),
        (
            "template syntax",
            "{{ 7*7 }}{% include \"card.html\" %}${7*7}#{7*7}<%= 7*7 %>{{constructor.constructor('window.__ran=1')()}}",
        ),
        (
            "entities",
            "&lt;script&gt;&#60;script&#62;window.__ran=1&amp;#39;&nbsp;&NotAnEntity;",
        ),
        (
            "markdown",
            "](javascript:alert(1)) ![x](http://127.0.0.1:9/x) <b>b</b> `` ` ``` ~~~ | a | @everyone #1 **x** _y_\n\n# heading\n- item\n> quote\n<details>",
        ),
        (
            "workflow command",
            "\n::error::fake\n::set-env name=A::b\n##[add-mask]x",
        ),
        ("shell", "'; rm -rf / #`id`$(id)\\"),
        ("sarif", "{0}{1} [link](1) \\[x]"),
        ("empty", ""),
        ("blank", "   "),
        ("surrogates and marks", "𝕏👩‍👩‍👧‍👦e\u{301}\u{323}ﷺ"),
    ];
    let mut all: Vec<(&str, String)> = fixed.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    all.push(("very long word", "A".repeat(6_000)));
    all.push(("very long markup", "<b>&\"'".repeat(800)));
    all.push(("stacked marks", format!("Z{}", "\u{301}\u{489}".repeat(600))));
    all.push(("many lines", "x\n".repeat(2_500)));
    all
}

/// How a payload takes a string's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Nothing else is left.
    Alone,
    /// It follows what stood there, so that an address is still one.
    After,
}

/// Every report of the corpus, with the name of its payload.
pub(crate) fn corpus() -> Vec<(String, Report)> {
    let mut corpus = Vec::new();
    for (name, payload) in payloads() {
        for manner in [Manner::Alone, Manner::After] {
            corpus.push((format!("{name}, {manner:?}"), poisoned(&payload, manner)));
        }
    }
    corpus
}

/// The sample with this payload in every string that is not one of our own words.
pub(crate) fn poisoned(payload: &str, manner: Manner) -> Report {
    let mut value = serde_json::to_value(every_outcome()).expect("a report is JSON");
    poison(&mut value, "", payload, manner);
    serde_json::from_value(value).expect("a poisoned report is a report")
}

fn poison(value: &mut Value, key: &str, payload: &str, manner: Manner) {
    match value {
        // The only two strings that are enums.
        Value::String(_) if matches!(key, "status" | "level") => {}
        Value::String(text) if manner == Manner::Alone => payload.clone_into(text),
        Value::String(text) => text.push_str(payload),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, key, payload, manner)),
        Value::Object(fields) => {
            // Of a JWT the names come from outside too.
            let foreign = matches!(key, "header" | "claims");
            let mut changed = Map::new();
            for (name, mut field) in std::mem::take(fields) {
                poison(&mut field, if foreign { "claims" } else { &name }, payload, manner);
                let name = if foreign { format!("{name}{payload}") } else { name };
                changed.insert(name, field);
            }
            *fields = changed;
        }
        _ => {}
    }
}

#[test]
fn every_free_string_of_the_model_is_poisoned() {
    let mark = "\u{f8ff}";
    let value = serde_json::to_value(poisoned(mark, Manner::After)).unwrap();
    let mut clean = Vec::new();
    unpoisoned(&value, "", mark, &mut clean);
    clean.sort();
    clean.dedup();
    assert_eq!(clean, ["level", "status"]);
}

fn unpoisoned(value: &Value, key: &str, mark: &str, clean: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.ends_with(mark) => clean.push(key.to_owned()),
        Value::Array(items) => items.iter().for_each(|item| unpoisoned(item, key, mark, clean)),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| unpoisoned(field, name, mark, clean)),
        _ => {}
    }
}
