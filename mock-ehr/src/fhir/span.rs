//! Spans of time: what a FHIR date, of whatever precision, or a Period covers.
//!
//! FHIR R4 search, "date": <https://hl7.org/fhir/R4/search.html#date>

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span as Length, Timestamp, ToSpan};
use serde_json::Value;

/// From the first moment to the first one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

/// A comparison of a search value with what a resource says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
    Approximately,
}

impl Comparison {
    /// Takes the prefix (`ge`) off a value; without one it is equality.
    pub(crate) fn split(text: &str) -> (Self, &str) {
        let prefixes = [
            ("eq", Self::Equal),
            ("ne", Self::NotEqual),
            ("gt", Self::Greater),
            ("lt", Self::Less),
            ("ge", Self::GreaterOrEqual),
            ("le", Self::LessOrEqual),
            ("sa", Self::StartsAfter),
            ("eb", Self::EndsBefore),
            ("ap", Self::Approximately),
        ];
        prefixes
            .into_iter()
            .find_map(|(prefix, comparison)| Some((comparison, text.strip_prefix(prefix)?)))
            .unwrap_or((Self::Equal, text))
    }

    /// Does the resource's span stand so towards the one that was asked for?
    pub(crate) fn holds(self, has: Span, asked: Span) -> bool {
        let within = asked.start <= has.start && has.end <= asked.end;
        match self {
            Self::Equal => within,
            Self::NotEqual => !within,
            Self::Greater => has.end > asked.end,
            Self::Less => has.start < asked.start,
            Self::GreaterOrEqual => within || has.end > asked.end,
            Self::LessOrEqual => within || has.start < asked.start,
            Self::StartsAfter => has.start >= asked.end,
            Self::EndsBefore => has.end <= asked.start,
            Self::Approximately => has.start < asked.end && asked.start < has.end,
        }
    }
}

impl Span {
    /// Reads `2024`, `2024-05`, `2024-05-06`, or a moment with or without zone; nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = |part: &str, count| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
        if let Some((day, _)) = text.split_once('T') {
            return digits(day.get(..4)?, 4).then(|| Self::moment(text)).flatten();
        }
        let mut parts = text.splitn(3, '-');
        let (year, month, day) = (parts.next()?, parts.next(), parts.next());
        let well_formed = digits(year, 4) && month.is_none_or(|m| digits(m, 2)) && day.is_none_or(|d| digits(d, 2));
        if !well_formed {
            return None;
        }
        let number = |part: Option<&str>| part.map_or(Some(1), |part| part.parse::<i8>().ok());
        let first = Date::new(year.parse().ok()?, number(month)?, number(day)?).ok()?;
        let length = if day.is_some() {
            1.day()
        } else if month.is_some() {
            1.month()
        } else {
            1.year()
        };
        Some(Self::civil(first.at(0, 0, 0, 0), length))
    }

    /// What an element covers: a date, a moment, or a Period that may be open at either end.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        if let Some(text) = value.as_str() {
            return Self::parse(text);
        }
        let period = value.as_object()?;
        let end = |name| period.get(name).and_then(Value::as_str).map(Self::parse);
        let (start, end) = (end("start"), end("end"));
        if start.is_none() && end.is_none() {
            return None;
        }
        Some(Self {
            start: start.map_or(Some(Timestamp::MIN), |span| Some(span?.start))?,
            end: end.map_or(Some(Timestamp::MAX), |span| Some(span?.end))?,
        })
    }

    fn moment(text: &str) -> Option<Self> {
        let time = text.split_once('T')?.1;
        let zone = time.find(['Z', '+', '-']);
        let clock = &time[..zone.unwrap_or(time.len())];
        let length = match (clock.matches(':').count(), clock.contains('.')) {
            (2, true) => 1.millisecond(),
            (2, false) => 1.second(),
            (1, false) => 1.minute(),
            _ => return None,
        };
        if zone.is_none() {
            return Some(Self::civil(text.parse::<DateTime>().ok()?, length));
        }
        let start = text.parse::<Timestamp>().ok()?;
        Some(Self {
            start,
            end: start.checked_add(length).ok()?,
        })
    }

    // A time without zone is taken as UTC. What lies beyond the last moment that can be told (9999-12-31 often stands
    // for "never") ends there.
    fn civil(first: DateTime, length: Length) -> Self {
        let after = first.checked_add(length).unwrap_or(DateTime::MAX);
        let utc = |moment| TimeZone::UTC.to_timestamp(moment).unwrap_or(Timestamp::MAX);
        Self {
            start: utc(first),
            end: utc(after),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn holds(has: &str, asked: &str) -> bool {
        let (comparison, asked) = Comparison::split(asked);
        comparison.holds(Span::parse(has).expect(has), Span::parse(asked).expect(asked))
    }

    #[test]
    fn precision_counts() {
        for (has, asked, expected) in [
            ("2024-05-06", "2024", true),
            ("2024-05-06T23:59:59Z", "2024-05-06", true),
            ("2024-05-06T23:59:59-05:00", "2024-05-06", false),
            ("2024", "2024-05-06", false),
            ("2024-05-06", "ne2024-05-07", true),
            ("2024-05-06", "gt2024-05-05", true),
            ("2024-05-06", "gt2024-05-06", false),
            ("2024-05-06", "ge2024-05-06", true),
            ("2024-05-06", "lt2024-05", false),
            ("2024-05-06", "le2024-05", true),
            ("2024-05-06", "sa2024-05-05", true),
            ("2024-05-06", "eb2024-05-07", true),
            ("2024-05", "ap2024-05-07", true),
            ("2024-05-06T10:00:00Z", "2024-05-06T10:00Z", true),
            ("2024-05-06T10:00:00.250Z", "2024-05-06T10:00:00Z", true),
            ("2024-05-06T10:00:00", "2024-05-06T10:00:00Z", true),
        ] {
            assert_eq!(holds(has, asked), expected, "{has} {asked}");
        }
    }

    #[test]
    fn periods_may_be_open() {
        let span = Span::of(&json!({"start": "2024-05-06"})).expect("a start is enough");
        assert_eq!(span.end, Timestamp::MAX);
        assert_eq!(Span::of(&json!({})), None);
        assert_eq!(Span::of(&json!(5)), None);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "20",
            "2024-5",
            "2024-13",
            "2024-02-30",
            "2024-05-06T",
            "2024-05-06T10Z",
            "soon",
            "T",
        ] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
        assert_eq!(Span::parse("9999-12-31").map(|span| span.end), Some(Timestamp::MAX));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,24}") {
            let _ = Span::parse(&text);
        }

        #[test]
        fn almost_dates_do_not_panic(text in "[0-9]{4}(-[0-9]{1,2}){0,2}(T[0-9:.]{0,8}[Z+-]?)?") {
            let _ = Span::parse(&text);
        }
    }
}
