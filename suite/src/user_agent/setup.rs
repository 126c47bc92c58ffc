//! What every agent is given: who can sign in, how, within which bounds.

use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::hmac;
use indexmap::IndexMap;

use super::passwords::Passwords;
use crate::clock::Clock;
use crate::http::Limits;
use crate::target::sign_in::SignIn;
use crate::target::{Profile, User};

/// An agent's surroundings.
#[derive(Clone)]
pub struct Setup {
    /// The sign-in script.
    pub sign_in: SignIn,
    /// The users of the profile.
    pub users: IndexMap<String, User>,
    /// Bounds on requests and walks.
    pub limits: Limits,
    /// For one-time passwords.
    pub clock: Arc<dyn Clock>,
    /// Start of the run; exchanges are recorded relative to it.
    pub started: Instant,
    /// What became of the users' passwords, for every agent that is made of this setup.
    pub(super) passwords: Passwords,
}

impl Setup {
    /// As the profile says.
    pub fn of_profile(profile: &Profile, clock: Arc<dyn Clock>, started: Instant) -> Self {
        Self {
            sign_in: profile.sign_in.clone(),
            users: profile.users.clone(),
            limits: profile.limits,
            clock,
            started,
            passwords: Passwords::default(),
        }
    }

    /// The user's one-time password of this moment, where the profile has its secret.
    pub(super) fn totp(&self, user: &str) -> Option<String> {
        let secret = self.users.get(user)?.totp.as_ref()?;
        let seconds = u64::try_from(self.clock.now().as_second()).ok()?;
        totp(secret.expose(), seconds / 30)
    }
}

/// RFC 6238 with the parameters that every authenticator app has: HMAC-SHA-1, 30 s, six digits.
fn totp(base32: &str, step: u64) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &decode_base32(base32)?);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let digest = tag.as_ref();
    // RFC 4226 §5.3: dynamic truncation.
    let offset = usize::from(digest.last()? & 0x0f);
    let bytes: [u8; 4] = digest.get(offset..offset + 4)?.try_into().ok()?;
    Some(format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000))
}

/// RFC 4648 §6, spaces and padding ignored.
fn decode_base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for c in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '=' | '-')) {
        let value = match c.to_ascii_uppercase() {
            c @ 'A'..='Z' => u32::from(c) - u32::from('A'),
            c @ '2'..='7' => u32::from(c) - u32::from('2') + 26,
            _ => return None,
        };
        bits = (bits << 5) | value;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_passwords_are_those_of_rfc_6238() {
        // Appendix B, last six digits; the secret is "12345678901234567890".
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(totp(secret, 59 / 30).as_deref(), Some("287082"));
        assert_eq!(totp(secret, 1_111_111_109 / 30).as_deref(), Some("081804"));
        assert_eq!(totp("not base32!", 1), None);
    }
}
