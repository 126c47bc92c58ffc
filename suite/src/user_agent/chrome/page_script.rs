//! The scripts that run inside a page: one that describes it, one that does a deed on it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::user_agent::decide::Deed;
use crate::user_agent::form::Entry;

/// What a page is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Snapshot {
    /// The address.
    pub(super) url: String,
    /// `loading`, `interactive`, `complete`.
    pub(super) ready: String,
    /// Tells documents apart.
    pub(super) born: String,
    /// The elements as they are now, with a handle on everything that can be filled or pressed.
    pub(super) html: String,
    /// Whether scripts made or may change it.
    pub(super) scripted: bool,
    /// Whether the frame that was asked for cannot be looked into.
    pub(super) closed_frame: bool,
}

/// Describes the page, or the frame that matches the selector.
pub(super) fn snapshot(frame: Option<&str>) -> String {
    let body = r#"
const outer = frame === null ? null : document.querySelector(frame);
let doc = document;
if (frame !== null) { try { doc = outer && outer.contentDocument; } catch (e) { doc = null; } }
if (!doc) return JSON.stringify({url: location.href, ready: document.readyState, born: "", html: "", scripted: true, closed_frame: true});
let n = 0;
for (const e of doc.querySelectorAll("form,input,select,textarea,button,a,[role=button],iframe")) {
  e.setAttribute("data-launchproof", String(n++));
  const type = (e.getAttribute("type") || "").toLowerCase();
  const seen = e.getClientRects().length > 0;
  const matters = e.matches("input,textarea,button,a,[role=button]") && !["hidden", "radio", "checkbox"].includes(type);
  if (matters && !seen) e.setAttribute("data-launchproof-unseen", ""); else e.removeAttribute("data-launchproof-unseen");
}
return JSON.stringify({
  url: doc.location.href, ready: doc.readyState, born: String(doc.defaultView.performance.timeOrigin),
  html: doc.documentElement ? doc.documentElement.outerHTML : "",
  scripted: doc.querySelector("script, [onload]") !== null, closed_frame: false});
"#;
    format!("(function(frame){{{body}}})({})", json!(frame))
}

/// Sets fields by the native setter with the events that React, Angular and Vue listen to, then presses.
pub(super) fn perform(deed: &Deed, frame: Option<&str>) -> String {
    let sets: Vec<_> = deed
        .sets
        .iter()
        .filter(|set| !set.by_keys)
        .map(|set| match &set.entry {
            Entry::Text(text) => json!({ "at": set.handle, "text": text }),
            Entry::On => json!({ "at": set.handle, "on": true }),
            Entry::Option(value) => json!({ "at": set.handle, "option": value }),
        })
        .collect();
    let last = deed.sets.last().and_then(|set| set.handle.as_deref());
    let job = json!({ "frame": frame, "sets": sets, "press": deed.press, "enter": last });
    let body = r#"
const doc = job.frame === null ? document : document.querySelector(job.frame).contentDocument;
const view = doc.defaultView;
const find = at => doc.querySelector('[data-launchproof="' + at + '"]');
const send = (e, name, kind) => e.dispatchEvent(new view[kind || "Event"](name, {bubbles: true}));
const put = (e, value) => {
  const owner = {INPUT: "HTMLInputElement", TEXTAREA: "HTMLTextAreaElement", SELECT: "HTMLSelectElement"}[e.tagName];
  Object.getOwnPropertyDescriptor(view[owner].prototype, "value").set.call(e, value);
  send(e, "input"); send(e, "change");
};
const missing = [];
for (const set of job.sets) {
  const e = find(set.at);
  if (!e) { missing.push(set.at); continue; }
  if (e.focus) e.focus();
  if (set.on) { if (!e.checked) e.click(); } else put(e, "text" in set ? set.text : set.option);
  send(e, "blur", "FocusEvent"); send(e, "focusout", "FocusEvent");
}
const pressed = job.press !== null ? find(job.press) : null;
const last = job.enter !== null ? find(job.enter) : null;
if (job.press !== null && !pressed) missing.push(job.press);
view.setTimeout(() => {
  if (pressed) { pressed.click(); return; }
  if (!last) return;
  for (const name of ["keydown", "keypress", "keyup"])
    last.dispatchEvent(new view.KeyboardEvent(name, {key: "Enter", code: "Enter", keyCode: 13, which: 13, bubbles: true}));
  if (last.form && last.form.isConnected) last.form.requestSubmit();
}, 0);
return missing.length === 0;
"#;
    format!("(function(job){{{body}}})({job})")
}

/// Puts the cursor into a field, for typing.
pub(super) fn focus(handle: &str, frame: Option<&str>) -> String {
    format!(
        "(function(frame, at){{const doc = frame === null ? document : document.querySelector(frame).contentDocument;\
         const e = doc.querySelector('[data-launchproof=\"' + at + '\"]'); if (e) e.focus(); return e !== null;}})({}, {})",
        json!(frame),
        json!(handle)
    )
}

/// Goes to an address without waiting for it.
pub(super) fn go(url: &str) -> String {
    format!("setTimeout(() => {{ location.href = {} }}, 0); true", json!(url))
}

/// Sends a form POST as a page would.
pub(super) fn post(url: &str, pairs: &[(String, String)]) -> String {
    let body = r#"
const form = document.createElement("form");
form.method = "post"; form.action = job.url; form.acceptCharset = "utf-8";
for (const [name, value] of job.pairs) {
  const field = document.createElement("textarea");
  field.name = name; field.value = value; form.appendChild(field);
}
(document.body || document.documentElement).appendChild(form);
setTimeout(() => HTMLFormElement.prototype.submit.call(form), 0);
return true;
"#;
    format!("(function(job){{{body}}})({})", json!({ "url": url, "pairs": pairs }))
}
