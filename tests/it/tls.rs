//! TLS at the server's own address: what clients meet, and a certificate that is renewed while they are there.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use serde_json::json;

use crate::harness::Directory;
use crate::process::{Process, Store, wait_for};
use crate::wire::{Wire, socket};

/// The name that certificates of these tests are made for.
pub const NAME: &str = "contacts.example.com";

/// A certificate that vouches for itself, in two files.
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub der: CertificateDer<'static>,
}

impl Pair {
    /// Made anew, in place of what is in the files.
    pub fn write(directory: &Directory) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
        let (certificate, key) = (directory.path("server.crt"), directory.path("server.key"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
        Self { certificate, key, der: made.cert.der().clone() }
    }

    /// A client that trusts this certificate and no other.
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        config.with_root_certificates(roots).with_no_client_auth()
    }

    /// A server that shows it.
    pub fn serve(&self, store: &Store) -> Process {
        store.serve_with(|command| {
            command.env("ROLLBOOK_TLS_CERTIFICATE", &self.certificate).env("ROLLBOOK_TLS_KEY", &self.key);
        })
    }

    /// A connection on which the handshake is done.
    pub fn connect(&self, address: SocketAddr) -> std::io::Result<Wire> {
        self.connect_by(address, rustls::ALL_VERSIONS)
    }

    fn connect_by(
        &self,
        address: SocketAddr,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<Wire> {
        let name = ServerName::try_from(NAME).unwrap();
        let client = ClientConnection::new(Arc::new(self.client(versions)), name).unwrap();
        let mut stream = StreamOwned::new(client, socket(address)?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Wire::over(stream))
    }
}

#[test]
fn a_batch_goes_over_tls_1_2_and_1_3() {
    let store = Store::new();
    let pair = Pair::write(&store.directory);
    let token = store.account("Shop").token;
    let server = pair.serve(&store);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut wire = pair.connect_by(server.address, &[version]).expect("a handshake");
        let mut ok = |path: &str, body| {
            let reply = wire.post(path, &token, &body).expect("an answer");
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.json()
        };
        let list = ok("/v3/contact-list/create", json!({ "contactListName": format!("{version:?}") }));
        let list = list["contactListId"].clone();
        let contacts = json!([{ "contact": "jo@example.com", "name": "Jo".repeat(100) }]);
        let update = json!({ "contactListId": list, "upsert": true, "contacts": contacts });
        let request = ok("/v3/contacts/update", update)["requestId"].clone();
        let get = json!({ "contactListId": list, "email": "jo@example.com", "waitFor": request });
        assert_eq!(ok("/v3/contact/get", get)["contact"]["name"], "Jo".repeat(100));
    }
}

#[test]
fn http_2_is_agreed_on_where_the_client_can() {
    let store = Store::new();
    let pair = Pair::write(&store.directory);
    let token = store.account("Shop").token;
    let server = pair.serve(&store);
    let mut config = pair.client(rustls::ALL_VERSIONS);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (status, answer) = runtime.block_on(async {
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let stream = connector.connect(ServerName::try_from(NAME).unwrap(), stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let mut http2 = crate::http2::Http2::over(stream, server.address).await.unwrap();
        http2.post("/v3/account/info", &token, "{}".to_owned()).await.unwrap()
    });
    assert_eq!((status, &answer["accountName"]), (200, &json!("Shop")));
}

#[test]
fn a_renewed_certificate_is_shown_after_sighup_and_nobody_is_cut_off() {
    let store = Store::new();
    let old = Pair::write(&store.directory);
    let token = store.account("Shop").token;
    let mut server = old.serve(&store);
    let mut before = old.connect(server.address).expect("a handshake");
    let info = |wire: &mut Wire| {
        assert_eq!(wire.post("/v3/account/info", &token, &json!({})).expect("an answer").status, 200);
    };
    info(&mut before);

    let new = Pair::write(&store.directory);
    info(&mut old.connect(server.address).expect("files alone change nothing"));
    server.signal("HUP");
    wait_for("the certificate to be read", || {
        server.log().contains("tls: certificate reloaded").then_some(())
    });
    info(&mut new.connect(server.address).expect("the new certificate"));
    assert!(old.connect(server.address).is_err(), "the old one is not shown any more");
    info(&mut before);

    // A key that does not belong to the certificate, then no certificate at all: what is there stays.
    let key = std::fs::read(&new.key).unwrap();
    Pair::write(&store.directory);
    std::fs::write(&new.key, &key).unwrap();
    for (number, broken) in [None, Some("-----BEGIN CERTIFICATE-----\nnonsense\n")].into_iter().enumerate() {
        if let Some(broken) = broken {
            std::fs::write(&new.certificate, broken).unwrap();
        }
        server.signal("HUP");
        wait_for("the failure to be told", || {
            let told = server.log().matches("tls: certificate reload failed, previous one stays").count();
            (told == number + 1).then_some(())
        });
        info(&mut new.connect(server.address).expect("the certificate before"));
        info(&mut before);
    }
    assert!(server.log().contains("does not belong to"), "{}", server.log());
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0), "it stops as ever");
    assert!(before.is_at_end());
}

#[test]
fn sighup_does_no_harm_where_there_is_no_certificate() {
    let store = Store::new();
    let server = store.serve();
    server.signal("HUP");
    wait_for("that to be told", || server.log().contains("no certificate is set").then_some(()));
    assert_eq!(server.post("/v3/account/info", &store.account("Shop").token, &json!({})).status, 200);
}
