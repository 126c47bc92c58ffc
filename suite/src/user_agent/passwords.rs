//! How often the target refused each user's password in this run: one that is wrong is wrong for every scenario, and
//! most servers lock the account of whoever goes on trying.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many refusals in a row, and the password is not typed again.
const MOST: u32 = 3;

/// Refusals since the last time that a password was taken, by the users' names in the profile. Clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Passwords(Arc<Mutex<HashMap<String, u32>>>);

impl Passwords {
    /// The sign-in page came back.
    pub(super) fn refused(&self, user: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(user.to_owned()).or_default() += 1;
    }

    /// The walk went on to the app.
    pub(super) fn taken(&self, user: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(user);
    }

    /// Why it is not typed again, once it was refused too often.
    pub(super) fn spent(&self, user: &str) -> Option<String> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = *counts.get(user)?;
        (refused >= MOST).then(|| {
            format!(
                "the password of [users.{user}] was refused {refused} times in a row and is not tried again, so that \
                 the account is not locked: correct it in the profile"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_in_a_row_are_enough_and_a_success_forgives() {
        let passwords = Passwords::default();
        let other = passwords.clone();
        for _ in 0..MOST {
            assert_eq!(passwords.spent("demo"), None);
            other.refused("demo");
        }
        assert!(passwords.spent("demo").is_some_and(|why| why.contains("[users.demo]")));
        assert_eq!(passwords.spent("nurse"), None);
        passwords.taken("demo");
        assert_eq!(passwords.spent("demo"), None);
    }
}
