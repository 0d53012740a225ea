//! Which certificates of https receivers are trusted, and why one is not.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};

use storage::DeliveryEnd;

/// Reads a file of further root certificates.
///
/// # Errors
/// A sentence that names the file: it cannot be read, or holds no certificate, or one that cannot be a root.
pub fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let named = |error: &dyn std::fmt::Display| format!("webhook_ca_file {}: {error}", path.display());
    let text = std::fs::read(path).map_err(|error| named(&error))?;
    let roots = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let roots = roots.map_err(|error| named(&error))?;
    if roots.is_empty() {
        return Err(named(&"there is no certificate in it"));
    }
    let mut usable = RootCertStore::empty();
    for root in &roots {
        usable.add(root.clone()).map_err(|error| named(&error))?;
    }
    Ok(roots)
}

/// Trusts the machine's own roots and `more`; `None` where there are none.
pub(super) fn config(more: &[CertificateDer<'static>]) -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    // Of a machine's many roots some may be of a form that nobody needs.
    let own = rustls_native_certs::load_native_certs().certs;
    roots.add_parsable_certificates(own.into_iter().chain(more.iter().cloned()));
    if roots.is_empty() {
        tracing::warn!("webhooks: no root certificates, https receivers will fail");
        return None;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().ok()?;
    Some(builder.with_root_certificates(roots).with_no_client_auth())
}

/// What a handshake that failed means for a delivery.
pub(super) const fn end(error: &Error) -> DeliveryEnd {
    match error {
        Error::InvalidCertificate(error) => match error {
            CertificateError::UnknownIssuer => DeliveryEnd::UnknownCa,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => DeliveryEnd::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                DeliveryEnd::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                DeliveryEnd::WrongName
            }
            _ => DeliveryEnd::BadCertificate,
        },
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerIncompatible(_)
        | Error::PeerMisbehaved(_)
        | Error::AlertReceived(_) => DeliveryEnd::TlsProtocol,
        _ => DeliveryEnd::NoTls,
    }
}
