//! Every known way to write an address that is not public into a webhook's URI: none of them is connected to.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

use super::tests::message;
use super::*;
use domain::contact::webhook_uri::WebHookUri;

/// Hosts that lead to addresses that are not public.
const HOSTS: &[&str] = &[
    // Loopback, in the spellings that inet_aton takes.
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0X7F.1",
    "0177.0.0.1",
    "017700000001",
    "0177.1",
    "127.0x0.0.1",
    "127.0.0.1.",
    "2130706433.",
    "0x7f.1.",
    "%31%32%37.0.0.1",
    "127.0.0%2e1",
    "127%2E0%2E0%2E1",
    // Digits, letters and dots that IDNA makes ASCII of.
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127．0．0．1",
    "127｡0｡0｡1",
    "𝟏𝟐𝟕.𝟎.𝟎.𝟏",
    "２１３０７０６４３３",
    "0ｘ7f.1",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "ｌｏｃａｌｈｏｓｔ",
    "loc\u{ad}alhost",
    "localho\u{17f}t",
    "localhost。",
    "𝐥𝐨𝐜𝐚𝐥𝐡𝐨𝐬𝐭",
    "localhost",
    "LOCALHOST",
    "LocalHost.",
    "a.localhost",
    "a.b.LOCALHOST.",
    // No address at all, and the network's own.
    "0.0.0.0",
    "0",
    "0x0",
    "0.1",
    "00000000",
    "0.0.0.0.",
    // Private, link-local with the metadata of clouds, shared, reserved, multicast, broadcast.
    "10.0.0.1",
    "10.1",
    "167772161",
    "012.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "192.168.257",
    "3232235777",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0xA9.0xFE.0xA9.0xFE",
    "0251.0376.0251.0376",
    "169.254.43518",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "4294967295",
    "0xffffffff",
    // IPv6: itself, and IPv4 carried by it.
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:127.0.0.1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:0.0.0.0]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::7f00:1]",
    "[64:ff9b:1:ffff:ffff:ffff:7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2002:c0a8:101::]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[2001::7f00:1]",
    "[fe80::1]",
    "[fe80::5efe:127.0.0.1]",
    "[febf::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[ff0e::1]",
    "[100::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[2001:10::1]",
    "[2001:20::1]",
    "[4000::1]",
    // Names that lead there.
    "rebound.example",
    "metadata.example",
    "mapped.example",
    "translated.example",
    "all.example",
    "REBOUND.example.",
];

/// URIs that say one thing to one reader, and another to another.
const URIS: &[&str] = &[
    "http://public.example@127.0.0.1/",
    "http://127.0.0.1@public.example/",
    "http://me:secret@public.example/",
    "http://127.0.0.1:80@public.example/",
    "http://public.example\\@127.0.0.1/",
    "http://127.0.0.1\\@public.example/",
    "http://public.example#@127.0.0.1:9/\\",
    "http:127.0.0.1/",
    "http:///127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http://127.0.0.1\t/",
    "http://127.0.\n0.1/",
    "http://\u{0}127.0.0.1/",
    "http:// 127.0.0.1/",
    "//127.0.0.1/",
    "http://[fe80::1%25lo]/",
    "http://[fe80::1%lo]/",
    "http://[::1%25eth0]/",
    "http://[::1].example/",
    "http://[::1/",
    "http://[127.0.0.1]/",
    "http://1.2.3.4.5/",
    "http://256.0.0.1/",
    "http://0x/",
    "http://4294967296/",
    "http://08.0.0.1/",
    "http://xn--/",
    "http://xn--a/",
    "gopher://127.0.0.1/",
    "file://127.0.0.1/etc/passwd",
    "ftp://127.0.0.1/",
    "dict://127.0.0.1:11211/stat",
    "unix:///run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock/",
    "ldap://127.0.0.1/",
    "jar:http://127.0.0.1!/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "http://127.0.0.1:99999/",
    "http://public.example:80:80/",
    "http://public.example/\r\nHost: 127.0.0.1",
    "http://public.example%0d%0aHost:x/",
    "http://public.example%00.127.0.0.1/",
    "http://pub%20lic.example/",
];

/// What the names lead to. Numbers are read by the system, as it reads them for every program.
fn resolver() -> Resolver {
    Resolver::new(|name| {
        let addresses: &[&str] = match name.trim_end_matches('.') {
            "rebound.example" => &["127.0.0.1"],
            "metadata.example" => &["169.254.169.254", "fd00:ec2::254"],
            "mapped.example" => &["::ffff:10.0.0.1"],
            "translated.example" => &["64:ff9b::7f00:1", "2002:7f00:1::"],
            "all.example" => &["0.0.0.0", "::", "255.255.255.255", "ff02::1"],
            "public.example" => &["93.184.216.34"],
            number if number.starts_with(|first: char| first.is_ascii_digit()) => {
                return Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect());
            }
            other => panic!("asked for {other}"),
        };
        Ok(addresses.iter().map(|address| address.parse().unwrap()).collect())
    })
}

fn sender(policy: AddressPolicy, resolver: Resolver) -> Sender {
    Sender::over(Connector::new(TcpConnector::new(policy, resolver), &[], LIMIT))
}

/// What of `uris` gets further than it may: those that are accepted must be forbidden, with the port of a receiver
/// that would take them.
async fn let_through(uris: impl Iterator<Item = String>) -> Vec<String> {
    let sender = sender(AddressPolicy::default(), resolver());
    let mut wrong = Vec::new();
    for uri in uris {
        if WebHookUri::parse(&uri).is_some() {
            let outcome = sender.send(message(uri.as_str())).await.map(|response| response.end);
            if outcome != Some(DeliveryEnd::Forbidden) {
                wrong.push(format!("{uri}: {outcome:?}"));
            }
        }
    }
    wrong
}

#[tokio::test]
async fn no_spelling_of_an_address_that_is_not_public_is_connected_to() {
    let receiver = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = receiver.local_addr().unwrap().port();
    for scheme in ["http", "https", "HTTP"] {
        let uris = HOSTS.iter().map(|host| format!("{scheme}://{host}:{port}/"));
        assert_eq!(let_through(uris).await, [""; 0]);
    }
    let accepted =
        HOSTS.iter().filter(|host| WebHookUri::parse(&format!("http://{host}/")).is_some()).count();
    assert!(accepted > HOSTS.len() / 2, "most are refused by their addresses, not by their form: {accepted}");
    let nobody = tokio::time::timeout(Duration::from_millis(50), receiver.accept()).await;
    assert!(nobody.is_err(), "somebody has connected");
}

#[tokio::test]
async fn a_uri_that_two_readers_read_differently_is_refused_or_leads_where_it_was_checked_to_lead() {
    let public = URIS.iter().filter(|uri| {
        let host = WebHookUri::parse(uri).map(|uri| uri.receiver());
        host.as_deref() == Some("http://public.example:80")
    });
    assert_eq!(
        public.collect::<Vec<_>>(),
        [&"http://public.example#@127.0.0.1:9/\\"; 0],
        "backslashes are refused"
    );
    let rest = URIS.iter().map(|uri| (*uri).to_owned());
    assert_eq!(let_through(rest).await, [""; 0]);
}

/// Whoever resolves a name a second time gets another answer; so it is resolved once, and what was checked is
/// connected to.
#[tokio::test]
async fn a_name_that_is_rebound_between_two_questions_gains_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let receiver = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = receiver.local_addr().unwrap().port();
    // The first answer may be connected to, but nobody is there; all others lead to a receiver that may not.
    let rebinding = Resolver::new(move |_| {
        let first = counter.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(vec![IpAddr::from(if first { [127, 0, 0, 2] } else { [127, 0, 0, 1] })])
    });
    let policy = AddressPolicy::new(vec!["127.0.0.2/32".parse().unwrap()]);
    let sender = sender(policy, rebinding);
    let uri = format!("http://rebinding.example:{port}/");
    assert_eq!(
        sender.send(message(uri.as_str())).await.map(|response| response.end),
        Some(DeliveryEnd::Refused)
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1, "one question for one attempt");
    for _ in 0..3 {
        assert_eq!(
            sender.send(message(uri.as_str())).await.map(|response| response.end),
            Some(DeliveryEnd::Forbidden)
        );
    }
    let nobody = tokio::time::timeout(Duration::from_millis(50), receiver.accept()).await;
    assert!(nobody.is_err(), "somebody has connected");
}
