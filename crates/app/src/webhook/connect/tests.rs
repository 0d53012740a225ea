#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

fn allowing(ranges: &[&str]) -> AddressPolicy {
    AddressPolicy::new(ranges.iter().map(|range| range.parse().unwrap()).collect())
}

fn resolving_to(addresses: &[&str]) -> Resolver {
    let addresses: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
    Resolver::new(move |_| Ok(addresses.clone()))
}

async fn connect_to(
    policy: AddressPolicy,
    resolver: Resolver,
    uri: String,
) -> Result<TcpStream, NotConnected> {
    let mut connector = TcpConnector::new(policy, resolver);
    let stream = connector.call(uri.parse().unwrap()).await;
    stream.map(TokioIo::into_inner)
}

#[tokio::test]
async fn only_permitted_addresses_of_a_name_are_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let resolver = resolving_to(&["10.0.0.1", "::ffff:10.0.0.1", "127.0.0.1", "169.254.169.254"]);

    let stream = connect_to(allowing(&["127.0.0.0/8"]), resolver, format!("http://mixed.example:{port}/"))
        .await
        .unwrap();

    assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    assert!(stream.nodelay().unwrap());
}

#[tokio::test]
async fn a_name_of_refused_addresses_only_is_not_connected_to() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let resolver = resolving_to(&["127.0.0.1", "::ffff:127.0.0.1", "::1"]);

    let refused = connect_to(allowing(&[]), resolver, format!("http://rebound.example:{port}/")).await;

    assert_eq!(refused.unwrap_err(), because(DeliveryEnd::Forbidden));
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn the_checked_answer_is_the_one_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let rebinding = Resolver::new(move |_| {
        let permitted = counter.fetch_add(1, Ordering::SeqCst) == 0;
        let last = if permitted { 1 } else { 2 };
        Ok(vec![IpAddr::from([127, 0, 0, last])])
    });

    let uri = format!("http://rebinding.example:{port}/");
    let stream = connect_to(allowing(&["127.0.0.1/32"]), rebinding.clone(), uri.clone()).await;
    assert_eq!(stream.unwrap().peer_addr().unwrap().port(), port);
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    let second = connect_to(allowing(&["127.0.0.1/32"]), rebinding, uri).await;
    assert_eq!(second.unwrap_err(), because(DeliveryEnd::Forbidden));
}

#[tokio::test]
async fn an_address_that_refuses_gives_way_to_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let resolver = resolving_to(&["127.0.0.2", "127.0.0.1"]);

    let stream =
        connect_to(allowing(&["127.0.0.0/8"]), resolver, format!("http://two.example:{port}/")).await;

    assert_eq!(stream.unwrap().peer_addr().unwrap(), listener.local_addr().unwrap());
}

#[tokio::test]
async fn old_spellings_are_judged_as_the_address_that_they_reach() {
    for host in ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "localhost."] {
        let refused = connect_to(allowing(&[]), Resolver::system(), format!("http://{host}:9/")).await;
        assert_eq!(refused.unwrap_err(), because(DeliveryEnd::Forbidden), "{host}");
    }
}

#[tokio::test]
async fn a_machine_without_roots_still_judges_addresses() {
    for (host, reason) in
        [("127.0.0.1", because(DeliveryEnd::NoRoots)), ("10.0.0.1", because(DeliveryEnd::Forbidden))]
    {
        let tcp = TcpConnector::new(allowing(&["127.0.0.0/8"]), Resolver::system());
        let mut connector = Connector::with_tls(tcp, None, Duration::from_secs(1));
        let uri = format!("https://{host}/").parse().unwrap();
        let error = connector.call(uri).await.err().unwrap();
        assert_eq!(error.downcast_ref(), Some(&reason), "{host}");
    }
}

#[tokio::test]
async fn a_handshake_that_nobody_waits_for_ends() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let tcp = TcpConnector::new(allowing(&["127.0.0.0/8"]), Resolver::system());
    let trusting_nobody =
        ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let tls = HttpsConnector::from((tcp.clone(), trusting_nobody));
    let mut connector = Connector::with_tls(tcp, Some(tls), Duration::from_millis(100));

    let uri = format!("https://127.0.0.1:{port}/").parse().unwrap();
    let error = connector.call(uri).await.err().unwrap();

    assert_eq!(error.downcast_ref(), Some(&because(DeliveryEnd::ConnectTimedOut)));
}
