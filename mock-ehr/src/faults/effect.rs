//! What a fault does to an answer.

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::defect::Defect;

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// This defect is armed.
    Defect(Defect),
    /// The answer is broken on its way.
    Http(Http),
}

/// What happens to an answer on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Http {
    /// How long the request waits before it is handled.
    pub(crate) delay: Option<Duration>,
    pub(crate) answer: Answer,
}

/// What becomes of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing: it comes, late.
    Whole,
    /// The request is not handled, and this comes instead, as from a gateway.
    Status(Instead),
    /// Its status and headers come, and no body.
    Empty,
    /// Half of its body comes, and then the connection ends, although Content-Length promised all of it.
    Truncated,
    /// The connection ends without a byte of an answer.
    Cut {
        /// Was the request handled?
        handled: bool,
    },
}

/// An answer in place of the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instead {
    pub(crate) status: StatusCode,
    pub(crate) body: Option<String>,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) retry_after: Option<u32>,
}

impl Http {
    /// Its names, as the header `X-Mock-Fault` has them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        let delay = self.delay.map(|_| "delay");
        let answer = match &self.answer {
            Answer::Whole => None,
            Answer::Status(_) => Some("status"),
            Answer::Empty => Some("empty"),
            Answer::Truncated => Some("truncated"),
            Answer::Cut { .. } => Some("cut"),
        };
        delay.into_iter().chain(answer)
    }

    fn json(&self) -> Value {
        let mut out = Map::new();
        if let Some(delay) = self.delay {
            out.insert("delay_ms".into(), json!(delay.as_millis()));
        }
        match &self.answer {
            Answer::Whole => {}
            Answer::Status(instead) => {
                out.insert("status".into(), instead.status.as_u16().into());
                let content_type = instead.content_type.as_ref().and_then(|value| value.to_str().ok());
                for (name, value) in [
                    ("body", instead.body.as_deref().map(Value::from)),
                    ("content_type", content_type.map(Value::from)),
                    ("retry_after", instead.retry_after.map(Value::from)),
                ] {
                    if let Some(value) = value {
                        out.insert(name.into(), value);
                    }
                }
            }
            Answer::Empty => {
                out.insert("empty".into(), true.into());
            }
            Answer::Truncated => {
                out.insert("truncated".into(), true.into());
            }
            Answer::Cut { handled } => {
                out.insert("cut".into(), if *handled { "after" } else { "before" }.into());
            }
        }
        Value::Object(out)
    }
}

/// As the journal has it.
impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(delay) = self.delay {
            write!(f, "delay {} ms", delay.as_millis())?;
            if self.answer != Answer::Whole {
                f.write_str(", ")?;
            }
        }
        match &self.answer {
            Answer::Whole => Ok(()),
            Answer::Status(instead) => write!(f, "status {}", instead.status.as_u16()),
            Answer::Empty => f.write_str("empty"),
            Answer::Truncated => f.write_str("truncated"),
            Answer::Cut { handled: true } => f.write_str("cut after it was handled"),
            Answer::Cut { handled: false } => f.write_str("cut before it was handled"),
        }
    }
}

impl Effect {
    /// As the management API shows it.
    pub(crate) fn json(&self) -> (&'static str, Value) {
        match self {
            Self::Defect(defect) => ("defect", defect.name().into()),
            Self::Http(http) => ("http", http.json()),
        }
    }
}
