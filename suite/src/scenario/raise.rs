//! `--profile bcp`: what RFC 9700 asks of a server counts as it is written there.
//!
//! SMART App Launch does not make that document normative, so a scenario of it gives at most a warning. Who has promised
//! to keep it (a national profile, a security review) raises those that say `bcp:` to the strength that they name there.
//! It is written by hand in each: a scenario may judge more, or see less, than the sentence that it cites.

use super::load::Loaded;

/// Ids of its rows begin so.
pub const DOCUMENT: &str = "rfc9700/";

/// Raises every scenario that names another strength under that document.
pub fn raise(scenarios: &mut [Loaded]) {
    for loaded in scenarios {
        if let Some(level) = loaded.scenario.bcp {
            loaded.scenario.level = level;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_are_raised_and_no_others() {
        let before = crate::scenario::load::load(None).unwrap();
        let mut after = before.clone();
        raise(&mut after);
        let raised: Vec<String> = before
            .iter()
            .zip(&after)
            .map(|(old, new)| (&old.id, old.scenario.level, new.scenario.level))
            .filter(|(_, was, is)| was != is)
            .map(|(id, was, is)| format!("{id} {} → {}", was.as_str(), is.as_str()))
            .collect();
        assert_eq!(
            raised,
            [
                "discovery/asymmetric_offered MAY → SHOULD",
                "pages/password_not_repeated SHOULD NOT → SHALL NOT",
                "redirect_uri/equivalent_spelling SHOULD → SHALL",
                "refresh/rotated MAY → SHOULD",
                "token/password_grant SHOULD NOT → SHALL NOT",
            ]
        );
    }
}
