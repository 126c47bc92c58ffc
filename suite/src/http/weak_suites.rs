//! Cipher suites that no server should agree to, by what is wrong with them.
//!
//! RFC 9325 §4.1: <https://www.rfc-editor.org/rfc/rfc9325#section-4.1>, RFC 5246 appendix A.5; the numbers are those of
//! the IANA registry of TLS parameters.

/// A family of them, for certificates by RSA, by ECDSA and by DSA alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeakSuites {
    /// Nothing is encrypted.
    Null,
    /// 40 or 56 bits: those that could once be exported, and single DES.
    Export,
    /// RC4, whatever the length of its key.
    Rc4,
    /// Nobody proves to be the server.
    Anonymous,
    /// 3DES: 112 bits.
    TripleDes,
}

impl WeakSuites {
    /// The family that a scenario names.
    pub fn named(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::Null,
            "export" => Self::Export,
            "rc4" => Self::Rc4,
            "anonymous" => Self::Anonymous,
            "triple_des" => Self::TripleDes,
            _ => return None,
        })
    }

    /// What all of them have in common.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Null => "cipher suites without encryption (NULL)",
            Self::Export => "cipher suites of 40 or 56 bits (EXPORT, DES)",
            Self::Rc4 => "cipher suites with RC4",
            Self::Anonymous => "cipher suites without a certificate (anonymous)",
            Self::TripleDes => "cipher suites with 3DES",
        }
    }

    /// Their numbers.
    pub const fn numbers(self) -> &'static [u16] {
        match self {
            Self::Null => &[0xc010, 0xc006, 0x003b, 0x0002, 0x0001, 0xc00b, 0xc001],
            Self::Export => &[
                0x0014, 0x0011, 0x0008, 0x0006, 0x0003, 0x000e, 0x000b, 0x0064, 0x0062, 0x0015, 0x0012, 0x0009, 0x000f,
                0x000c,
            ],
            Self::Rc4 => &[0xc011, 0xc007, 0x0005, 0x0004, 0xc00c, 0xc002],
            Self::Anonymous => &[
                0xc019, 0xc018, 0xc017, 0xc016, 0xc015, 0x00a7, 0x00a6, 0x006d, 0x006c, 0x003a, 0x0034, 0x0089, 0x0046,
                0x001b, 0x001a, 0x0019, 0x0018, 0x0017,
            ],
            Self::TripleDes => &[0xc012, 0xc008, 0x0016, 0x0013, 0x000a, 0x0010, 0x000d, 0xc00d, 0xc003],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_suite_is_in_two_families() {
        let families = ["null", "export", "rc4", "anonymous", "triple_des"];
        let families: Vec<_> = families.into_iter().filter_map(WeakSuites::named).collect();
        let mut all: Vec<u16> = families.iter().flat_map(|family| family.numbers()).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(families.len(), 5);
        assert_eq!(WeakSuites::named("aes"), None);
    }
}
