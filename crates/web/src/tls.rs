//! The certificate that the server shows, and its key: two files that are read at start, and again when asked to.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, ServerConfig};

/// What is spoken inside of TLS, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Everybody who is not the owner and not of the group.
const OTHERS: u32 = 0o007;

/// TLS as it is set, and where it was read from.
#[derive(Clone, Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// A sentence that names the file: it cannot be read, holds no certificate or no key, or one that does not belong
    /// to the other.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, String> {
        let config = RustlsConfig::from_config(read(certificate, key)?);
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), config })
    }

    /// What the socket speaks: reloaded together with this.
    pub fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Reads both files again, for connections that come from now on. Those that are there stay as they are, and where
    /// a file is not as it should be, nothing changes.
    ///
    /// # Errors
    /// As for [`Self::load`].
    pub fn reload(&self) -> Result<(), String> {
        self.config.reload_from_config(read(&self.certificate, &self.key)?);
        Ok(())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, String> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| format!("tls_certificate {}: {error}", certificate.display()))?;
    if chain.is_empty() {
        return Err(format!("tls_certificate {}: there is no certificate in it", certificate.display()));
    }
    // The parser's own text may quote the line that it fails on, which may be the key.
    let secret = std::fs::read(key).map_err(|error| format!("tls_key {}: {error}", key.display()))?;
    let secret = PrivateKeyDer::from_pem_slice(&secret)
        .map_err(|_| format!("tls_key {}: there is no private key in it", key.display()))?;
    warn_of_readers(key);
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret));
    let mut config = config.map_err(|error| match error {
        Error::InconsistentKeys(_) => {
            format!("tls_key {} does not belong to tls_certificate {}", key.display(), certificate.display())
        }
        error => format!("tls_certificate {}, tls_key {}: {error}", certificate.display(), key.display()),
    })?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}

/// A key that others can read is no secret; that is the operator's to mend, and no reason not to serve.
fn warn_of_readers(key: &Path) {
    let mode = std::fs::metadata(key).map_or(0, |file| file.permissions().mode());
    if mode & OTHERS != 0 {
        let mode = format!("{:04o}", mode & 0o7777);
        tracing::warn!(file = %key.display(), mode, "tls: others can read the key, chmod it to 600 or 640");
    }
}
