//! Signatures as the Standard Webhooks specification says (symmetric, `v1`). Pure.
//!
//! Own code because the standardwebhooks crate takes an empty secret.

use std::fmt;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// How long the old secret signs beside a new one, so that receivers have time to change.
pub const OVERLAP: Duration = Duration::from_secs(24 * 3_600);

const SECRET_PREFIX: &str = "whsec_";
const SIGNATURE_PREFIX: &str = "v1,";

/// An account's signing secret: 24 to 64 bytes, as the specification recommends.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A new secret of 32 bytes that the caller took from the system's randomness.
    pub fn generate(random: [u8; 32]) -> Secret {
        Secret(random.to_vec())
    }

    /// Reads `whsec_<base64>`; `None` for any other shape, and for secrets shorter than 24 or longer than 64 bytes.
    pub fn parse(text: &str) -> Option<Secret> {
        let bytes = STANDARD.decode(text.strip_prefix(SECRET_PREFIX)?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Secret(bytes))
    }

    /// The form that receivers are given, `whsec_<base64>`; [`Secret::parse`] reads it back.
    pub fn to_text(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(&self.0))
    }

    fn signature(&self, id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104)")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes any key");
        mac.update(format!("{id}.{timestamp_seconds}.").as_bytes());
        mac.update(body);
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

/// Never the bytes: what is printed ends up in a log.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The value of `webhook-signature`: one signature per secret, separated by blanks, so that receivers that still hold
/// the former secret go on verifying after a rotation.
pub fn signatures(secrets: &[Secret], id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
    let signed: Vec<String> = secrets
        .iter()
        .map(|secret| secret.signature(id, timestamp_seconds, body))
        .map(|signature| format!("{SIGNATURE_PREFIX}{signature}"))
        .collect();
    signed.join(" ")
}

/// Whether one of the `v1` signatures of `header` (a `webhook-signature`) is `secret`'s, in time that tells nothing
/// about how much of one was right. The age of the timestamp is the receiver's to judge.
pub fn verifies(secret: &Secret, id: &str, timestamp_seconds: i64, body: &[u8], header: &str) -> bool {
    let expected = secret.signature(id, timestamp_seconds, body);
    header
        .split(' ')
        .filter_map(|signature| signature.strip_prefix(SIGNATURE_PREFIX))
        .fold(Choice::from(0), |found, signature| found | signature.as_bytes().ct_eq(expected.as_bytes()))
        .into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test without its secret should fail")]

    use super::*;

    // The test vector of the Standard Webhooks reference libraries; checked besides with Python's hmac module.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_published_vector_is_signed_and_verified() {
        let secret = Secret::parse(SECRET).unwrap();
        assert_eq!(signatures(std::slice::from_ref(&secret), ID, TIMESTAMP, BODY), SIGNATURE);
        assert!(verifies(&secret, ID, TIMESTAMP, BODY, SIGNATURE));
    }

    #[test]
    fn a_rotation_overlaps() {
        let former = Secret::parse(SECRET).unwrap();
        let current = Secret::generate([7; 32]);
        let header = signatures(&[current.clone(), former.clone()], ID, TIMESTAMP, BODY);
        let (first, second) = header.split_once(' ').unwrap();
        assert_ne!(first, second);
        assert_eq!(second, SIGNATURE);
        assert!(verifies(&current, ID, TIMESTAMP, BODY, &header));
        assert!(verifies(&former, ID, TIMESTAMP, BODY, &header));
        assert!(!verifies(&Secret::generate([8; 32]), ID, TIMESTAMP, BODY, &header));
    }

    #[test]
    fn whatever_was_changed_does_not_verify() {
        let secret = Secret::parse(SECRET).unwrap();
        assert!(!verifies(&secret, "msg_other", TIMESTAMP, BODY, SIGNATURE));
        assert!(!verifies(&secret, ID, TIMESTAMP + 1, BODY, SIGNATURE));
        assert!(!verifies(&secret, ID, TIMESTAMP, b"{}", SIGNATURE));
        let bare = SIGNATURE.strip_prefix("v1,").unwrap();
        for header in ["", "v1,", "v1", bare, &format!("v1a,{bare}"), &SIGNATURE[..20]] {
            assert!(!verifies(&secret, ID, TIMESTAMP, BODY, header), "{header}");
        }
    }

    #[test]
    fn secrets_are_read_back_and_never_printed() {
        let secret = Secret::generate([7; 32]);
        let text = secret.to_text();
        assert_eq!(text, "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(Secret::parse(&text).unwrap().to_text(), text);
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }

    #[test]
    fn secrets_have_24_to_64_bytes() {
        let of =
            |length: usize| Secret::parse(&format!("whsec_{}", STANDARD.encode(vec![1; length]))).is_some();
        assert_eq!([0, 23, 24, 64, 65].map(of), [false, false, true, true, false]);
        let bare = SECRET.strip_prefix("whsec_").unwrap();
        for text in ["", "whsec_", "whsec_!", bare, &format!(" {SECRET}"), &format!("{SECRET} ")] {
            assert!(Secret::parse(text).is_none(), "{text:?}");
        }
    }
}
