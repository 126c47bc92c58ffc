//! What the TLS of this server would answer, weak kinds too, which no library speaks any more; a suite that runs the mock
//! inside its own process asks here instead of a socket. The TLS of real sockets is in `serve`.
//!
//! RFC 9325 §3.1.1 and §4.1: <https://www.rfc-editor.org/rfc/rfc9325#section-3.1.1>

use crate::builder::MockEhr;
use crate::defect::Defect;

/// Weak cipher suites, each with the switch by which this server agrees to it.
const WEAK: [(u16, Defect); 5] = [
    // TLS_RSA_WITH_NULL_SHA256, TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA, TLS_ECDHE_RSA_WITH_RC4_128_SHA,
    // TLS_ECDH_anon_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA
    (0x003b, Defect::TlsNullAccepted),
    (0x0014, Defect::TlsExportAccepted),
    (0xc011, Defect::TlsRc4Accepted),
    (0xc018, Defect::TlsAnonymousAccepted),
    (0xc012, Defect::TlsTripleDesAccepted),
];

impl MockEhr {
    /// Which of these weak cipher suites is agreed to, where a `ClientHello` offers no other.
    pub fn chosen_suite(&self, offered: &[u16]) -> Option<u16> {
        let defects = self.state().defects();
        let weak = WEAK.into_iter().filter(|(suite, _)| offered.contains(suite));
        weak.filter(|(_, defect)| defects.has(*defect))
            .map(|(suite, _)| suite)
            .next()
    }

    /// Whether a `ClientHello` that offers this version alone (as on the wire, `(3, 3)` for TLS 1.2) is accepted.
    pub fn accepts_tls(&self, version: (u8, u8)) -> bool {
        let defects = self.state().defects();
        match version {
            (3, 0) => defects.has(Defect::Ssl30Accepted),
            (3, 1) => defects.has(Defect::Tls10Accepted),
            (3, 2) => defects.has(Defect::Tls11Accepted),
            // RFC 9325 §3.1.1: TLS 1.2 must be there, and 1.3 should.
            (3, 3 | 4) => !defects.has(Defect::Tls12Refused),
            _ => false,
        }
    }

    /// Whether whoever asks by plain http, where https is served, is answered by the endpoints.
    pub fn serves_plain_http(&self) -> bool {
        self.state().defects().has(Defect::TokenPlainHttp)
    }

    /// What a careful client says of the certificate; nothing where it is good.
    pub fn certificate_problem(&self) -> Option<&'static str> {
        let expired = self.state().defects().has(Defect::CertificateExpired);
        expired.then_some("invalid peer certificate: Expired")
    }
}
