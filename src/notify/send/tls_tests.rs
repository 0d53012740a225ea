#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use std::sync::Arc;

use hyper_rustls::HttpsConnector;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, pki_types};

use super::receiver::{Receiver, behaving, read_request};
use super::tests::{OK, loopback, message};
use super::*;

fn tls_for(name: &str) -> (TlsAcceptor, ClientConfig) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let certificate = made.cert.der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let server =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), client)
}

/// A sender that trusts the roots of `config` instead of the machine's.
fn trusting(config: ClientConfig) -> Sender {
    let tcp = TcpConnector::new(loopback(), Resolver::system());
    let tls = HttpsConnector::from((tcp.clone(), config));
    Sender::over(Connector::with_tls(tcp, Some(tls), LIMIT))
}

#[tokio::test]
async fn an_https_receiver_with_a_self_signed_certificate_is_refused() {
    let (acceptor, _) = tls_for("localhost");
    let mut receiver = Receiver::over_tls(&[OK], acceptor).await;
    let uri = format!("https://localhost:{}/", receiver.port);
    let outcome = Sender::new(loopback()).send(message(uri)).await;
    assert_eq!(outcome, Outcome::Failed(Failure::Tls));
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn an_https_receiver_with_a_trusted_certificate_is_delivered_to() {
    let (acceptor, config) = tls_for("localhost");
    let mut receiver = Receiver::over_tls(&[OK], acceptor).await;
    let sender = trusting(config);
    for _ in 0..2 {
        let uri = format!("https://localhost:{}/", receiver.port);
        assert_eq!(sender.send(message(uri)).await, Outcome::Delivered);
    }
    let connections: Vec<usize> = receiver.received().iter().map(|r| r.connection).collect();
    assert_eq!(connections, [0, 0]);

    let elsewhere = format!("https://127.0.0.1:{}/", receiver.port);
    let outcome = sender.send(message(elsewhere)).await;
    assert_eq!(outcome, Outcome::Failed(Failure::Tls), "the name must match");
}

#[tokio::test]
async fn a_receiver_that_does_not_speak_tls_fails_the_handshake() {
    let greeting = behaving(|_, mut stream| async move {
        stream.write_all(b"220 mail.example ESMTP\r\n").await.ok();
        read_request(&mut stream).await;
    })
    .await;
    let uri = format!("https://127.0.0.1:{greeting}/");
    let outcome = Sender::new(loopback()).send(message(uri)).await;
    assert_eq!(outcome, Outcome::Failed(Failure::Tls));
}
