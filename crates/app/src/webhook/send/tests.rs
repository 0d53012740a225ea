#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use std::net::IpAddr;
use std::sync::mpsc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::receiver::{Answer, Receiver, behaving, close, keep, read_request};
use super::*;
use crate::webhook::sign::{Secret, signatures, verifies};

pub(super) const OK: Answer = keep("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
const NO_CONTENT: Answer = keep("HTTP/1.1 204 No Content\r\n\r\n");

pub(super) fn loopback() -> AddressPolicy {
    AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()])
}

pub(super) fn message(uri: impl Into<String>) -> Message {
    Message {
        account: AccountNo(1),
        uri: uri.into(),
        id: "msg_1".to_owned(),
        timestamp_seconds: 1_614_265_330,
        signature: "v1,c2lnbmF0dXJl".to_owned(),
        body: Bytes::from_static(br#"{"id":"1"}"#),
    }
}

async fn send_to(port: u16) -> Option<DeliveryEnd> {
    let sender = Sender::new(loopback(), &[]);
    sender.send(message(format!("http://127.0.0.1:{port}/"))).await.map(|response| response.end)
}

async fn outcome_of(answers: &'static [Answer]) -> Option<DeliveryEnd> {
    send_to(Receiver::answering(answers).await.port).await
}

#[tokio::test]
async fn any_2xx_is_a_delivery() {
    assert_eq!(outcome_of(&[OK]).await, Some(DeliveryEnd::Delivered));
    assert_eq!(outcome_of(&[NO_CONTENT]).await, Some(DeliveryEnd::Delivered));
    const ODD: Answer = close("HTTP/1.0 299 Fine\r\n\r\n");
    assert_eq!(outcome_of(&[ODD]).await, Some(DeliveryEnd::Delivered));
}

#[tokio::test]
async fn any_other_status_is_a_failure() {
    const BROKEN: Answer = keep("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n");
    const GONE: Answer = keep("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(outcome_of(&[BROKEN]).await, Some(DeliveryEnd::Status(500)));
    assert_eq!(outcome_of(&[GONE]).await, Some(DeliveryEnd::Status(410)));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mut elsewhere = Receiver::answering(&[OK]).await;
    let location = format!("location: http://127.0.0.1:{}/", elsewhere.port);
    let port = behaving(move |_, mut stream| {
        let location = location.clone();
        async move {
            read_request(&mut stream).await.unwrap();
            let answer = format!("HTTP/1.1 301 Moved Permanently\r\n{location}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;

    assert_eq!(send_to(port).await, Some(DeliveryEnd::Status(301)));
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn the_request_is_exactly_this() {
    let mut receiver = Receiver::answering(&[OK]).await;
    let secret = Secret::generate([7; 32]);
    let mut sent = message(format!("http://127.0.0.1:{}/hook?list=1#part", receiver.port));
    sent.signature = signatures(std::slice::from_ref(&secret), &sent.id, sent.timestamp_seconds, &sent.body);
    let signature = sent.signature.clone();

    assert_eq!(
        Sender::new(loopback(), &[]).send(sent).await.map(|response| response.end),
        Some(DeliveryEnd::Delivered)
    );

    let requests = receiver.received();
    let expected = format!(
        "POST /hook?list=1 HTTP/1.1\r\n\
         content-type: application/json\r\n\
         user-agent: Rollbook/{}\r\n\
         webhook-id: msg_1\r\n\
         webhook-timestamp: 1614265330\r\n\
         webhook-signature: {signature}\r\n\
         host: 127.0.0.1:{}\r\n\
         content-length: 10\r\n\
         \r\n\
         {{\"id\":\"1\"}}",
        env!("CARGO_PKG_VERSION"),
        receiver.port
    );
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].text, expected);
    let body = requests[0].text.split_once("\r\n\r\n").unwrap().1;
    assert!(verifies(&secret, "msg_1", 1_614_265_330, body.as_bytes(), &signature));
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let mut receiver = Receiver::answering(&[OK]).await;
    let sender = Sender::new(loopback(), &[]);
    for _ in 0..2 {
        let uri = format!("http://127.0.0.1:{}/", receiver.port);
        assert_eq!(
            sender.clone().send(message(uri)).await.map(|response| response.end),
            Some(DeliveryEnd::Delivered)
        );
    }
    let connections: Vec<usize> = receiver.received().iter().map(|r| r.connection).collect();
    assert_eq!(connections, [0, 0]);
}

#[tokio::test]
async fn a_connection_that_went_stale_is_replaced() {
    // Closes after the first answer: the close comes before the second request, or crosses it.
    const LAST: Answer = close("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    // Takes the second request and closes without an answer, which is how the crossing looks from here.
    const CROSSED: Answer = close("");
    for (answers, connections) in
        [(&[LAST, OK] as &[Answer], vec![0, 1]), (&[OK, CROSSED, OK], vec![0, 0, 1])]
    {
        let mut receiver = Receiver::answering(answers).await;
        let sender = Sender::new(loopback(), &[]);
        for _ in 0..2 {
            let uri = format!("http://127.0.0.1:{}/", receiver.port);
            assert_eq!(
                sender.send(message(uri)).await.map(|response| response.end),
                Some(DeliveryEnd::Delivered)
            );
        }
        let used: Vec<usize> = receiver.received().iter().map(|r| r.connection).collect();
        assert_eq!(used, connections);
    }
}

#[tokio::test]
async fn a_fresh_connection_that_breaks_is_not_tried_again() {
    const BROKEN: Answer = close("");
    let mut receiver = Receiver::answering(&[BROKEN]).await;
    assert_eq!(send_to(receiver.port).await, Some(DeliveryEnd::NoAnswer));
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_resets_the_connection_is_a_failure() {
    for half in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        let port = behaving(move |_, mut stream| async move {
            stream.read_u8().await.unwrap();
            stream.write_all(half.as_bytes()).await.unwrap();
            // What is closed with something left to read in it is reset.
        })
        .await;
        let mut plain = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        plain.write_all(b"POST / HTTP/1.1\r\n").await.unwrap();
        let error = plain.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert_eq!(send_to(port).await, Some(DeliveryEnd::NoAnswer), "{half}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_a_failure() {
    const GARBAGE: Answer = close("220 mail.example ESMTP\r\n");
    assert_eq!(outcome_of(&[GARBAGE]).await, Some(DeliveryEnd::NotHttp));

    let closing = behaving(|_, stream| async move { drop(stream) }).await;
    assert_eq!(send_to(closing).await, Some(DeliveryEnd::NoAnswer));

    let flooding = behaving(|_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await.ok();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    assert_eq!(send_to(flooding).await, Some(DeliveryEnd::NotHttp));
}

#[tokio::test]
async fn a_refused_port_is_a_failure_to_connect() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = unused.local_addr().unwrap().port();
    drop(unused);
    assert_eq!(send_to(port).await, Some(DeliveryEnd::Refused));
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_cut_off() {
    let silent =
        behaving(|_, mut stream| async move { while read_request(&mut stream).await.is_some() {} }).await;
    assert_eq!(send_to(silent).await, Some(DeliveryEnd::TimedOut));
}

#[tokio::test]
async fn a_receiver_that_trickles_its_head_is_cut_off() {
    let trickling = behaving(|_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.ok();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(send_to(trickling).await, Some(DeliveryEnd::TimedOut));
}

const LONG_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n";

#[tokio::test]
async fn a_never_ending_body_is_not_read_on() {
    // More than the sockets on both ends buffer, far less than loopback carries in 1.5 s.
    const MOST: usize = 64 * 1024 * 1024;
    let (report, mut written) = tokio::sync::mpsc::unbounded_channel();
    let endless = behaving(move |_, mut stream| {
        let report = report.clone();
        async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(LONG_HEAD).await.ok();
            let mut written = 0;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {
                written += 4096;
            }
            report.send(written).unwrap();
        }
    })
    .await;
    assert_eq!(send_to(endless).await, Some(DeliveryEnd::Delivered));
    let written = written.recv().await.unwrap();
    assert!(written < MOST, "{written}");
}

#[tokio::test]
async fn a_body_never_changes_the_outcome() {
    let stalled = behaving(|_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(LONG_HEAD).await.ok();
        while read_request(&mut stream).await.is_some() {}
    })
    .await;
    assert_eq!(send_to(stalled).await, Some(DeliveryEnd::Delivered));

    const BROKEN: Answer = close("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnonsense");
    assert_eq!(outcome_of(&[BROKEN]).await, Some(DeliveryEnd::Delivered));
}

#[tokio::test]
async fn a_resolver_that_hangs_is_cut_off() {
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let hanging = Resolver::new(move |_| {
        released.lock().unwrap().recv().ok();
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    });
    let sender = Sender::over(Connector::new(TcpConnector::new(loopback(), hanging), &[], LIMIT));

    let outcome = sender.send(message("http://hanging.example/")).await.map(|response| response.end);

    assert_eq!(outcome, Some(DeliveryEnd::HostTimedOut));
    drop(release);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_failure_to_connect() {
    let empty = Resolver::new(|_| Ok(Vec::new()));
    let sender = Sender::over(Connector::new(TcpConnector::new(loopback(), empty), &[], LIMIT));
    let outcome = sender.send(message("http://nowhere.example/")).await.map(|response| response.end);
    assert_eq!(outcome, Some(DeliveryEnd::HostNotFound));
}

#[tokio::test]
async fn no_spelling_of_loopback_gets_through() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // A machine without IPv6 has no `::1` to reach.
    let listener6 = std::net::TcpListener::bind(("::1", port)).ok();
    let sender = Sender::new(AddressPolicy::default(), &[]);

    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f.1",
        "0x7F000001",
        "0177.0.0.1",
        "127.1",
        "%31%32%37.1",
        "①②⑦.0.0.1",
        "0",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "hooks.localhost",
    ] {
        for scheme in ["http", "https"] {
            let uri = format!("{scheme}://{host}:{port}/");
            assert_eq!(
                sender.send(message(uri.as_str())).await.map(|response| response.end),
                Some(DeliveryEnd::Forbidden),
                "{uri}"
            );
        }
    }

    for listener in [Some(listener), listener6].into_iter().flatten() {
        listener.set_nonblocking(true).unwrap();
        let nobody = listener.accept().unwrap_err();
        assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[tokio::test]
async fn an_allowed_range_is_reached_in_every_spelling() {
    let mut receiver = Receiver::answering(&[OK]).await;
    let sender = Sender::new(loopback(), &[]);
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "localhost", "localhost."] {
        let uri = format!("http://{host}:{}/", receiver.port);
        assert_eq!(
            sender.send(message(uri)).await.map(|response| response.end),
            Some(DeliveryEnd::Delivered),
            "{host}"
        );
    }
    let requests = receiver.received();
    let host = format!("host: 127.0.0.1:{}\r\n", receiver.port);
    assert_eq!(requests.iter().filter(|r| r.text.contains(&host)).count(), 4);
}

#[tokio::test]
async fn what_cannot_be_a_request_fails_without_one() {
    let mut receiver = Receiver::answering(&[OK]).await;
    let port = receiver.port;
    let sender = Sender::new(loopback(), &[]);
    for uri in [
        String::new(),
        "/hook".to_owned(),
        format!("ftp://127.0.0.1:{port}/"),
        format!("http://me:secret@127.0.0.1:{port}/"),
        format!("http://me@127.0.0.1:{port}/"),
    ] {
        let outcome = sender.send(message(uri.as_str())).await.map(|response| response.end);
        assert_eq!(outcome, Some(DeliveryEnd::Broken), "{uri}");
    }
    let mut split = message(format!("http://127.0.0.1:{port}/"));
    split.id = "msg_1\r\nx: y".to_owned();
    assert_eq!(sender.send(split).await.map(|response| response.end), Some(DeliveryEnd::Broken));
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn an_account_without_a_lookup_has_not_tried() {
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let resolver = Resolver::new(move |name| {
        if name.ends_with("slow.example") {
            released.lock().unwrap().recv().ok();
        }
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    });
    let receiver = Receiver::answering(&[OK]).await;
    let sender = Sender::over(Connector::new(TcpConnector::new(loopback(), resolver), &[], LIMIT));
    let attempt = |number: usize| {
        let (sender, message) = (sender.clone(), message(format!("http://{number}.slow.example/")));
        async move { sender.send(message).await.map(|response| response.end) }
    };
    let ends = futures_util::future::join_all((0..200).map(attempt)).await;
    assert_eq!(ends.iter().filter(|end| **end == Some(DeliveryEnd::HostTimedOut)).count(), 128);
    assert_eq!(ends.iter().filter(|end| end.is_none()).count(), 72);

    let mut other = message(format!("http://good.example:{}/", receiver.port));
    other.account = AccountNo(2);
    assert_eq!(sender.send(other).await.map(|response| response.end), Some(DeliveryEnd::Delivered));
    drop(release);
}
