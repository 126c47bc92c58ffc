//! The first message of TLS, by our own hand: what a server answers to a version that no TLS library offers any more.
//!
//! RFC 8446 §4.1.2, RFC 5246 §7.4.1.2; RFC 6066 §3 (server name).

use super::weak_suites::WeakSuites;

/// A version of TLS, or of what was before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsVersion {
    /// SSL 3.0
    Ssl3_0,
    /// TLS 1.0
    Tls1_0,
    /// TLS 1.1
    Tls1_1,
    /// TLS 1.2
    Tls1_2,
    /// TLS 1.3
    Tls1_3,
}

impl TlsVersion {
    /// As it stands on the wire.
    pub const fn bytes(self) -> [u8; 2] {
        match self {
            Self::Ssl3_0 => [3, 0],
            Self::Tls1_0 => [3, 1],
            Self::Tls1_1 => [3, 2],
            Self::Tls1_2 => [3, 3],
            Self::Tls1_3 => [3, 4],
        }
    }

    fn of(bytes: [u8; 2]) -> Option<Self> {
        let all = [Self::Ssl3_0, Self::Tls1_0, Self::Tls1_1, Self::Tls1_2, Self::Tls1_3];
        all.into_iter().find(|version| version.bytes() == bytes)
    }

    /// `TLS 1.2`
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ssl3_0 => "SSL 3.0",
            Self::Tls1_0 => "TLS 1.0",
            Self::Tls1_1 => "TLS 1.1",
            Self::Tls1_2 => "TLS 1.2",
            Self::Tls1_3 => "TLS 1.3",
        }
    }
}

/// What a `ClientHello` offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsOffer {
    /// This version and no other, with the usual ciphers; for TLS 1.3, that and TLS 1.2.
    Version(TlsVersion),
    /// TLS 1.2 at most, with these cipher suites and no other.
    Suites(WeakSuites),
}

/// What a server says to a `ClientHello`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsAnswer {
    /// A `ServerHello` of this version.
    Chosen(TlsVersion),
    /// A fatal alert; RFC 8446 §6.2 has the numbers.
    Alert(u8),
    /// The connection was closed without a word.
    Closed,
    /// Something that is not TLS.
    NotTls,
}

impl TlsAnswer {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::Chosen(version) => format!("it chose {}", version.words()),
            Self::Alert(number) => format!("it refused with the alert {}", alert(number)),
            Self::Closed => "it closed the connection".to_owned(),
            Self::NotTls => "it answered something that is not TLS".to_owned(),
        }
    }
}

fn alert(number: u8) -> String {
    let name = match number {
        10 => "unexpected_message",
        20 => "bad_record_mac",
        40 => "handshake_failure",
        47 => "illegal_parameter",
        50 => "decode_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        112 => "unrecognized_name",
        _ => return number.to_string(),
    };
    name.to_owned()
}

/// Cipher suites of SSL 3.0 to TLS 1.1 that servers may still have, none of them for export.
const OLD: [u16; 12] = [
    0xc014,
    0xc00a,
    0xc013,
    0xc009,
    0x0039,
    0x0033,
    0x0035,
    0x002f,
    0xc012,
    0x0016,
    0x000a,
    RENEGOTIATION,
];
/// Those of TLS 1.2 besides.
const AEAD: [u16; 8] = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009e, 0x009c];
/// Those of TLS 1.3.
const NEWEST: [u16; 3] = [0x1301, 0x1302, 0x1303];

/// Says that a server which knows no secure renegotiation is none to be afraid of (RFC 5746 §3.3); no suite itself.
const RENEGOTIATION: u16 = 0x00ff;

/// A record with a `ClientHello` that offers this and nothing else.
pub fn client_hello(offer: TlsOffer, host: &str, random: &[u8; 64]) -> Vec<u8> {
    let version = match offer {
        TlsOffer::Version(version) => version,
        TlsOffer::Suites(_) => TlsVersion::Tls1_2,
    };
    let newest = version == TlsVersion::Tls1_3;
    let at_most = version.min(TlsVersion::Tls1_2);
    let mut hello = at_most.bytes().to_vec();
    hello.extend_from_slice(&random[..32]);
    hello.push(0); // no session
    let suites: Vec<u8> = suites(offer).into_iter().flat_map(u16::to_be_bytes).collect();
    push_u16(&mut hello, &suites);
    hello.extend([1, 0]); // no compression
    if version != TlsVersion::Ssl3_0 {
        let extensions = extensions(at_most, newest, host, &random[32..]);
        push_u16(&mut hello, &extensions);
    }
    let mut handshake = vec![1];
    push_u24(&mut handshake, &hello);
    let first = if version == TlsVersion::Ssl3_0 { [3, 0] } else { [3, 1] };
    let mut record = vec![22, first[0], first[1]];
    push_u16(&mut record, &handshake);
    record
}

/// In the order of preference.
fn suites(offer: TlsOffer) -> Vec<u16> {
    let version = match offer {
        TlsOffer::Version(version) => version,
        TlsOffer::Suites(weak) => return [weak.numbers(), &[RENEGOTIATION]].concat(),
    };
    let mut suites = Vec::new();
    if version == TlsVersion::Tls1_3 {
        suites.extend(NEWEST);
    }
    if version >= TlsVersion::Tls1_2 {
        suites.extend(AEAD);
    }
    suites.extend(OLD);
    suites
}

fn extensions(at_most: TlsVersion, newest: bool, host: &str, share: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    // RFC 6066 §3: names only, no addresses.
    if host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[') {
        let mut name = vec![0];
        push_u16(&mut name, host.as_bytes());
        let mut names = Vec::new();
        push_u16(&mut names, &name);
        extension(&mut all, 0, &names);
    }
    extension(&mut all, 10, &[0, 6, 0, 0x1d, 0, 0x17, 0, 0x18]); // x25519, P-256, P-384
    extension(&mut all, 11, &[1, 0]); // uncompressed points
    if at_most == TlsVersion::Tls1_2 {
        let algorithms: [u16; 9] = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201];
        let bytes: Vec<u8> = algorithms.into_iter().flat_map(u16::to_be_bytes).collect();
        let mut list = Vec::new();
        push_u16(&mut list, &bytes);
        extension(&mut all, 13, &list);
    }
    if newest {
        extension(&mut all, 43, &[4, 3, 4, 3, 3]);
        let mut entry = vec![0, 0x1d];
        push_u16(&mut entry, share);
        let mut entries = Vec::new();
        push_u16(&mut entries, &entry);
        extension(&mut all, 51, &entries);
        extension(&mut all, 45, &[1, 1]);
    }
    all
}

fn extension(all: &mut Vec<u8>, number: u16, body: &[u8]) {
    all.extend(number.to_be_bytes());
    push_u16(all, body);
}

/// A length of two bytes, and the bytes; what we send is never longer.
fn push_u16(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    to.extend_from_slice(bytes);
}

fn push_u24(to: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
    to.extend_from_slice(&length[1..]);
    to.extend_from_slice(bytes);
}

/// How many bytes the first record has in all, once its head is there.
pub fn whole(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(3..5)?;
    Some(5 + usize::from(u16::from_be_bytes([length[0], length[1]])))
}

/// Reads the first record of an answer, as far as it came.
pub fn read_answer(bytes: &[u8]) -> TlsAnswer {
    if bytes.is_empty() {
        return TlsAnswer::Closed;
    }
    let body = bytes.get(5..).unwrap_or_default();
    match (bytes[0], bytes.get(1)) {
        (21, Some(3)) => match body {
            [_, number, ..] => TlsAnswer::Alert(*number),
            _ => TlsAnswer::Closed,
        },
        (22, Some(3)) => server_hello(body).map_or(TlsAnswer::NotTls, TlsAnswer::Chosen),
        _ => TlsAnswer::NotTls,
    }
}

/// The version that a `ServerHello` chose.
fn server_hello(body: &[u8]) -> Option<TlsVersion> {
    if *body.first()? != 2 {
        return None;
    }
    let legacy = TlsVersion::of([*body.get(4)?, *body.get(5)?])?;
    let session = usize::from(*body.get(38)?);
    let mut at = 39 + session + 3 + 2;
    // RFC 8446 §4.2.1: TLS 1.3 stands in supported_versions only.
    while let (Some(head), Some(length)) = (body.get(at..at + 2), body.get(at + 2..at + 4)) {
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if head == [0, 43]
            && let Some(chosen) = body.get(at + 4..at + 6)
        {
            return TlsVersion::of([chosen[0], chosen[1]]);
        }
        at += 4 + length;
    }
    Some(legacy)
}

/// The cipher suite that the `ServerHello` of an answer chose.
pub fn chosen_suite(bytes: &[u8]) -> Option<u16> {
    let body = bytes.get(5..)?;
    if bytes.first() != Some(&22) || body.first() != Some(&2) {
        return None;
    }
    let at = 39 + usize::from(*body.get(38)?);
    let suite = body.get(at..at + 2)?;
    Some(u16::from_be_bytes([suite[0], suite[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(version: TlsVersion, host: &str) -> Vec<u8> {
        client_hello(TlsOffer::Version(version), host, &[7; 64])
    }

    #[test]
    fn weak_suites_come_alone() {
        let record = client_hello(TlsOffer::Suites(WeakSuites::Rc4), "ehr.example", &[7; 64]);
        assert_eq!(whole(&record), Some(record.len()));
        // Record and handshake heads, version, random, no session; then the length of the list.
        assert_eq!(record[9..11], [3, 3]);
        assert_eq!(record[43], 0);
        let length = usize::from(u16::from_be_bytes([record[44], record[45]]));
        let offered: Vec<u16> = record[46..46 + length]
            .chunks(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(offered, [WeakSuites::Rc4.numbers(), &[0x00ff]].concat());
    }

    #[test]
    fn every_length_fits() {
        for version in [
            TlsVersion::Ssl3_0,
            TlsVersion::Tls1_0,
            TlsVersion::Tls1_2,
            TlsVersion::Tls1_3,
        ] {
            let record = hello(version, "ehr.example");
            assert_eq!(whole(&record), Some(record.len()), "{version:?}");
            let handshake = usize::from(record[6]) << 16 | usize::from(record[7]) << 8 | usize::from(record[8]);
            assert_eq!(handshake + 9, record.len());
        }
    }

    #[test]
    fn an_address_is_no_server_name() {
        let name = b"ehr.example";
        let holds = |record: &[u8]| record.windows(name.len()).any(|part| part == name);
        assert!(holds(&hello(TlsVersion::Tls1_0, "ehr.example")));
        assert!(hello(TlsVersion::Tls1_0, "127.0.0.1").len() < hello(TlsVersion::Tls1_0, "ehr.example").len());
    }

    #[test]
    fn answers_are_told_apart() {
        assert_eq!(read_answer(&[]), TlsAnswer::Closed);
        assert_eq!(read_answer(&[21, 3, 1, 0, 2, 2, 70]), TlsAnswer::Alert(70));
        assert_eq!(read_answer(b"HTTP/1.1 400 Bad Request"), TlsAnswer::NotTls);
        let mut old = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
        old.extend([9; 32]);
        old.extend([0, 0xc0, 0x14, 0]);
        assert_eq!(read_answer(&old), TlsAnswer::Chosen(TlsVersion::Tls1_0));
        assert_eq!(chosen_suite(&old), Some(0xc014));
        assert_eq!(chosen_suite(&[21, 3, 1, 0, 2, 2, 70]), None);
        let mut newest = vec![22, 3, 3, 0, 50, 2, 0, 0, 46, 3, 3];
        newest.extend([9; 32]);
        newest.extend([0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
        assert_eq!(read_answer(&newest), TlsAnswer::Chosen(TlsVersion::Tls1_3));
        for end in 0..newest.len() {
            let _ = (read_answer(&newest[..end]), chosen_suite(&newest[..end]));
        }
    }
}
