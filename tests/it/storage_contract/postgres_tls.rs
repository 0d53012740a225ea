//! TLS to the database, as a managed one asks for it.

use std::net::TcpListener;
use std::path::PathBuf;

use base64::Engine;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::harness::Directory;
use crate::harness::own_postgres::{Options, OwnPostgres, give_to_postgres};
use crate::process::{Store, wait_for};

/// A server that speaks TLS on loopback, with a certificate for `localhost` alone.
struct Secured {
    database: OwnPostgres,
    port: u16,
    /// The authority of its certificate, and one that nobody uses.
    authority: PathBuf,
    stranger: PathBuf,
    directory: Directory,
}

fn authority() -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([]).expect("names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).expect("a certificate").pem();
    (Issuer::new(params, key), pem)
}

/// The content of the first DER element, and what follows it.
fn element(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, start) = match bytes[1] {
        short @ ..0x80 => (usize::from(short), 2),
        long => {
            let end = 2 + usize::from(long & 0x7f);
            (bytes[2..end].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), end)
        }
    };
    (&bytes[start..start + length], &bytes[start + length..])
}

fn sequence(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short certificate").to_be_bytes();
    [&[0x30, 0x82], &length[..], content].concat()
}

/// The same certificate as X.509 version 1: without its version and extensions. Nobody checks its signature.
fn version_1(certificate: &rcgen::Certificate) -> String {
    let (whole, _) = element(certificate.der());
    let (signed, signature) = element(whole);
    let (_version, fields) = element(signed);
    let mut end = fields;
    // Serial number, algorithm, issuer, validity, subject, key.
    for _ in 0..6 {
        end = element(end).1;
    }
    let signed = sequence(&fields[..fields.len() - end.len()]);
    let der = base64::engine::general_purpose::STANDARD.encode(sequence(&[&signed, signature].concat()));
    format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n")
}

impl Secured {
    fn start() -> Self {
        Self::with(rcgen::Certificate::pem, "")
    }

    /// With the certificate in such a form, and further settings.
    fn with(form: impl Fn(&rcgen::Certificate) -> String, further: &str) -> Self {
        let directory = Directory::new();
        let (issuer, pem) = authority();
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("names");
        let certificate = form(&params.signed_by(&key, &issuer).expect("a certificate"));
        let write = |name: &str, text: &str| {
            let path = directory.path(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        let (certificate, key) =
            (write("server.pem", &certificate), write("server.key", &key.serialize_pem()));
        // PostgreSQL reads a key that is its own and nobody else's.
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("chmod");
        give_to_postgres(&key);
        let (authority, stranger) =
            (write("authority.pem", &pem), write("stranger.pem", &self::authority().1));
        let port =
            TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
        let hba = write("hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 trust\n");
        let settings = format!(
            "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n\
             hba_file = '{}'\n{further}",
            certificate.display(),
            key.display(),
            hba.display()
        );
        let database =
            OwnPostgres::start(&Options { settings: &settings, port: Some(port), ..Options::default() });
        Self { database, port, authority, stranger, directory }
    }

    /// Opens the store by such an address; what a command says against it.
    fn refusal(&self, host: &str, query: &str) -> Option<String> {
        let address = format!("postgres://rollbook@{host}:{}/contacts?{query}", self.port);
        let printed = Store::at(PathBuf::from(address)).run(&["migrate"]);
        (printed.code != Some(0)).then_some(printed.err)
    }
}

#[test]
fn connections_are_encrypted_and_certificates_checked_as_the_address_says() {
    let secured = Secured::start();
    let [authority, stranger] =
        [&secured.authority, &secured.stranger].map(|path| format!("sslrootcert={}", path.display()));
    let is_open = |host: &str, query: &str| assert_eq!(secured.refusal(host, query), None, "{host} {query}");
    let is_refused = |host: &str, query: &str, why: &str| {
        let told = secured.refusal(host, query).expect("it is refused");
        assert!(told.contains(why), "{host} {query}: {told}");
    };
    for query in ["", "sslmode=prefer", "sslmode=require", "sslmode=require&pooler=transaction"] {
        is_open("localhost", query);
        is_open("127.0.0.1", query);
    }
    is_open("localhost", &format!("sslmode=verify-full&{authority}"));
    is_open("127.0.0.1", &format!("sslmode=verify-ca&{authority}"));
    is_open("127.0.0.1", &format!("sslmode=require&{authority}"));
    is_refused("127.0.0.1", &format!("sslmode=verify-full&{authority}"), "not valid for name");
    for mode in ["require", "verify-ca", "verify-full"] {
        is_refused("localhost", &format!("sslmode={mode}&{stranger}"), "invalid peer certificate: ");
    }
    // The machine knows many authorities, and not this one.
    is_refused("localhost", "sslmode=verify-full", "TLS");
    is_refused("localhost", "sslmode=disable", "no encryption");
    is_refused("localhost", "sslmode=verify-full&sslrootcert=/nonexistent.pem", "/nonexistent.pem");
    drop(secured.directory);
}

/// `CREATE EXTENSION citus` switches TLS on with a certificate of version 1, which no library of rustls reads.
#[test]
fn a_certificate_of_version_1_is_good_where_none_is_verified() {
    let secured = Secured::with(version_1, "");
    for query in ["", "sslmode=prefer", "sslmode=require"] {
        assert_eq!(secured.refusal("localhost", query), None, "{query}");
    }
    let verified = secured
        .refusal("localhost", &format!("sslmode=verify-ca&sslrootcert={}", secured.authority.display()));
    assert!(verified.expect("it is refused").contains("invalid peer certificate"));
}

#[test]
fn prefer_connects_without_tls_if_the_handshake_fails() {
    // Versions that rustls has left behind.
    let old = "ssl_min_protocol_version = 'TLSv1'\nssl_max_protocol_version = 'TLSv1.1'";
    let secured = Secured::with(rcgen::Certificate::pem, old);
    let hba = secured.directory.path("hba.conf");
    std::fs::write(&hba, "local all all trust\nhost all all 127.0.0.1/32 trust\n").expect("a file");
    secured.database.restart("fast");
    assert_eq!(secured.refusal("localhost", "sslmode=prefer"), None);
    assert!(secured.refusal("localhost", "sslmode=require").expect("it is refused").contains("TLS"));
}

#[test]
fn a_server_works_over_tls() {
    let secured = Secured::start();
    let address = format!(
        "postgres://rollbook@localhost:{}/contacts?sslmode=verify-full&sslrootcert={}",
        secured.port,
        secured.authority.display()
    );
    let store = Store::at(PathBuf::from(address));
    let token = store.account("Shop").token;
    let server = store.serve();
    let list = server.list(&token);
    let request =
        server.upsert(&token, &list, serde_json::json!([{ "contact": "a", "name": "x".repeat(250) }]));
    server.processed(&token, &request);
    assert_eq!(server.contact(&token, &list, "a")["name"], "x".repeat(250));
    let encrypted = "SELECT count(*) > 0 AND bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) \
                     WHERE a.application_name = 'rollbook'";
    assert_eq!(secured.database.sql("contacts", encrypted), "t\n");
    // A restart of the database is a new handshake for each connection.
    secured.database.restart("fast");
    let request = wait_for("the server to accept again", || {
        let body =
            serde_json::json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "b" }] });
        let reply = server.post("/v3/contacts/update", &token, &body);
        (reply.status == 200).then(|| reply.json()["requestId"].as_str().expect("an id").to_owned())
    });
    server.processed(&token, &request);
}
