//! The changes as a stream of lines.

use super::*;

/// A stream of lines over a socket.
struct Lines(BufReader<TcpStream>, String);

impl Lines {
    fn open(server: &Server, body: &Value, coding: &str) -> Self {
        let mut stream = TcpStream::connect(server.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let body = body.to_string();
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\nAccess-Token: {}\r\nAccept: application/x-ndjson\r\n\
             Accept-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n{body}",
            server.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a request");
        let (mut reader, mut head) = (BufReader::new(stream), String::new());
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).expect("a head");
        }
        Self(reader, head.to_ascii_lowercase())
    }

    /// The next chunk; empty at the end.
    fn chunk(&mut self) -> Vec<u8> {
        let mut size = String::new();
        self.0.read_line(&mut size).expect("a chunk");
        let size = usize::from_str_radix(size.trim(), 16).expect("its size");
        let mut chunk = vec![0; size + 2];
        self.0.read_exact(&mut chunk).expect("the chunk");
        chunk.truncate(size);
        chunk
    }

    fn lines(&mut self) -> Vec<Value> {
        let chunk = String::from_utf8(self.chunk()).expect("text");
        chunk.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_sends_each_change_at_once_and_ends_with_a_line_that_says_so() {
    let server = Server::start().await;
    let list = server.list().await;
    server.update(&list, true, json!([{ "contact": "a", "firstName": "x\u{2028}y\u{85}z\u{2029}" }])).await;
    let body = json!({ "contactListId": list, "after": "start", "include": "changes" });
    let mut stream = tokio::task::block_in_place(|| Lines::open(&server, &body, "identity"));
    for header in [
        "200 ok",
        "content-type: application/x-ndjson\r",
        "cache-control: no-store, no-transform\r",
        "x-accel-buffering: no\r",
        "ratelimit-policy: \"concurrency\";q=10;qu=\"concurrent-requests\"\r",
    ] {
        assert!(stream.1.contains(header), "{header}: {}", stream.1);
    }
    let raw = tokio::task::block_in_place(|| stream.chunk());
    let text = String::from_utf8(raw).expect("text");
    assert!(text.contains(r"x\u2028y\u0085z\u2029"), "{text}");
    assert_eq!(text.lines().count(), 1);
    server.update(&list, true, json!([{ "contact": "b" }])).await;
    let told = tokio::task::block_in_place(|| stream.lines());
    assert_eq!((told.len(), &told[0]["userId"]), (1, &json!("b")));
    let cursor = told[0]["cursor"].clone();
    let mut packed = tokio::task::block_in_place(|| Lines::open(&server, &body, "gzip"));
    assert!(packed.1.contains("content-encoding: gzip"), "{}", packed.1);
    let mut sent = tokio::task::block_in_place(|| packed.chunk());
    server.begin_stop();
    let told = tokio::task::block_in_place(|| stream.lines());
    assert_eq!(told, [json!({ "end": true, "next": cursor })]);
    assert!(tokio::task::block_in_place(|| stream.chunk()).is_empty(), "the end of the answer");
    loop {
        let chunk = tokio::task::block_in_place(|| packed.chunk());
        if chunk.is_empty() {
            break;
        }
        sent.extend(chunk);
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(&sent[..]).read_to_string(&mut text).expect("whole");
    assert_eq!(text.lines().count(), 3, "{text}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_has_a_heartbeat_and_ends_by_itself() {
    let clock = ManualClock::new(Timestamp::from_millis(1_792_022_400_000));
    let server = Server::with(Setup { clock: Arc::new(clock.clone()), ..Setup::default() }).await;
    let list = server.list().await;
    server.update(&list, true, json!([{ "contact": "a" }])).await;
    let body = json!({ "contactListId": list, "after": "start" });
    let mut stream = tokio::task::block_in_place(|| Lines::open(&server, &body, "identity"));
    let mut lines = || tokio::task::block_in_place(|| stream.lines());
    let cursor = lines()[0]["cursor"].clone();
    for _ in 0..2 {
        clock.advance(Duration::from_secs(15));
        assert_eq!(lines(), [json!({ "heartbeat": true, "next": cursor })]);
    }
    // A change moves the next heartbeat.
    clock.advance(Duration::from_secs(14));
    server.update(&list, true, json!([{ "contact": "b" }])).await;
    let next = lines()[0]["cursor"].clone();
    clock.advance(Duration::from_secs(14));
    clock.advance(Duration::from_secs(1));
    assert_eq!(lines(), [json!({ "heartbeat": true, "next": next })]);
    clock.advance(Duration::from_secs(300));
    // The clock has come to a heartbeat and to the end at once.
    let mut told = lines();
    if told[0]["heartbeat"] == true {
        told = lines();
    }
    assert_eq!(told, [json!({ "end": true, "next": next })]);
    assert!(lines().is_empty(), "the end of the answer");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_stream_is_answered_as_json_and_a_revoked_token_ends_it() {
    let server = Server::start().await;
    let list = server.list().await;
    let refused = json!({ "contactListId": list, "after": "x" });
    let stream = tokio::task::block_in_place(|| Lines::open(&server, &refused, "identity"));
    assert!(stream.1.contains("400 bad request") && stream.1.contains("application/json"), "{}", stream.1);
    let body = json!({ "contactListId": list });
    let mut stream = tokio::task::block_in_place(|| Lines::open(&server, &body, "identity"));
    let key = PresentedToken::parse(&server.token).expect("a token").key.to_owned();
    let other = server.inside().await;
    server.storage.revoke_token(key, SystemClock.now()).await.expect("revoked");
    other.app.catalogue.changed();
    let update = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": "a" }] });
    use files::api::Api as _;
    let body = update.to_string().into();
    other.local().submit(wire::ingest::BodyKind::Update, None, body).await.expect("accepted");
    let told = tokio::task::block_in_place(|| stream.lines());
    assert_eq!(told[0]["end"], true, "{told:?}");
    drop(other);
    server.stop().await;
}
