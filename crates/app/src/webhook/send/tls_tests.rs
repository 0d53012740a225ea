#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::receiver::{Receiver, behaving, read_request};
use super::tests::{OK, loopback, message};
use super::*;

/// A self-signed certificate for `localhost`, after `change`, and what shows it.
fn shown(change: impl FnOnce(&mut CertificateParams)) -> (TlsAcceptor, CertificateDer<'static>) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = ServerConfig::builder().with_no_client_auth();
    let server = server.with_single_cert(vec![certificate.clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(server)), certificate)
}

/// What a webhook to `host` meets with, where the certificate is a trusted root or not.
async fn end_at(host: &str, change: impl FnOnce(&mut CertificateParams), trusted: bool) -> DeliveryEnd {
    let (acceptor, certificate) = shown(change);
    let mut receiver = Receiver::over_tls(&[OK], acceptor).await;
    let roots = if trusted { vec![certificate] } else { Vec::new() };
    let uri = format!("https://{host}:{}/", receiver.port);
    let end = Sender::new(loopback(), &roots).send(message(uri)).await.map(|response| response.end).unwrap();
    assert_eq!(receiver.received().len(), usize::from(end == DeliveryEnd::Delivered));
    end
}

#[tokio::test]
async fn a_certificate_that_does_not_do_says_why() {
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(4000, 1, 1);
    assert_eq!(end_at("localhost", |_| {}, true).await, DeliveryEnd::Delivered);
    assert_eq!(end_at("localhost", |_| {}, false).await, DeliveryEnd::UnknownCa);
    assert_eq!(end_at("127.0.0.1", |_| {}, true).await, DeliveryEnd::WrongName);
    assert_eq!(end_at("localhost", expired, true).await, DeliveryEnd::Expired);
    assert_eq!(end_at("localhost", early, true).await, DeliveryEnd::NotYetValid);
}

/// What `openssl req -x509` makes by default. It vouches for others, and so no client of rustls takes it for a server.
#[tokio::test]
async fn a_certificate_of_an_authority_is_none_of_a_server() {
    use rcgen::{BasicConstraints, IsCa};
    let authority = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(end_at("localhost", authority, true).await, DeliveryEnd::BadCertificate);
}

#[tokio::test]
async fn a_connection_over_tls_is_used_again() {
    let (acceptor, certificate) = shown(|_| {});
    let mut receiver = Receiver::over_tls(&[OK], acceptor).await;
    let sender = Sender::new(loopback(), &[certificate]);
    for _ in 0..2 {
        let uri = format!("https://localhost:{}/", receiver.port);
        assert_eq!(
            sender.send(message(uri)).await.map(|response| response.end),
            Some(DeliveryEnd::Delivered)
        );
    }
    let connections: Vec<usize> = receiver.received().iter().map(|r| r.connection).collect();
    assert_eq!(connections, [0, 0]);
}

#[tokio::test]
async fn a_receiver_that_does_not_speak_tls_fails_the_handshake() {
    let greeting = behaving(|_, mut stream| async move {
        stream.write_all(b"220 mail.example ESMTP\r\n").await.ok();
        read_request(&mut stream).await;
    })
    .await;
    let closing = behaving(|_, stream| async move { drop(stream) }).await;
    let sender = Sender::new(loopback(), &[]);
    for (port, end) in [(greeting, DeliveryEnd::TlsProtocol), (closing, DeliveryEnd::NoTls)] {
        let uri = format!("https://127.0.0.1:{port}/");
        assert_eq!(sender.send(message(uri)).await.map(|response| response.end), Some(end));
    }
}
