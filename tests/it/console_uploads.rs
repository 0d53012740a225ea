//! Uploads through the pages: files that are rejected, odd names, and slow clients.

use std::io::Write as _;
use std::time::Duration;

use domain::id::ObjectId;
use serde_json::json;

use crate::console_jobs::Desk;
use crate::harness::{Answer, Setup};
use crate::visitor::{BOUNDARY, Visitor, between};

/// A workbook of which a part is huge when it is unpacked.
fn bomb(name: &str) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut deflate = flate2::write::DeflateEncoder::new(&mut raw, flate2::Compression::best());
    let (zeros, mut crc, count) = (vec![b' '; 1 << 20], crc32fast::Hasher::new(), 64);
    for _ in 0..count {
        deflate.write_all(&zeros).expect("memory");
        crc.update(&zeros);
    }
    deflate.finish().expect("memory");
    let (name, crc) = (name.as_bytes(), crc.finalize());
    let sizes = [raw.len() as u32, count << 20].map(u32::to_le_bytes).concat();
    let same =
        [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..], &crc.to_le_bytes(), &sizes, &[name.len() as u8, 0, 0, 0]]
            .concat();
    let local = [&b"PK\x03\x04"[..], &same, name, &raw].concat();
    let central = [&b"PK\x01\x02\x14\x00"[..], &same, &[0; 14], name].concat();
    let ends = [central.len() as u32, local.len() as u32].map(u32::to_le_bytes).concat();
    [&local[..], &central, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &ends, &[0, 0]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_taken_are_told_and_leave_nothing() {
    let desk = Desk::with(Setup { max_upload: 3 << 20, ..Setup::default() }).await;
    let told = |answer: Answer| {
        (answer.status.as_u16(), between(&answer.text(), "id=\"file-error\">", "</p>").to_owned())
    };
    for (content, text) in [
        (
            bomb("xl/sharedStrings.xml"),
            "people.csv: the workbook is too large: save it as CSV, which may have any size",
        ),
        (bomb("xl/worksheets/sheet1.xml"), "people.csv: a cell is longer than a row may be"),
        (vec![b'x'; 5 << 20], "the file is larger than 3 MiB, which is the most that is taken"),
        (b"".to_vec(), "people.csv: the file is empty"),
        (
            b"a\nb\"c\"d\n\"e".to_vec(),
            "people.csv: line 3: a quotation mark that is opened in this row is never closed",
        ),
    ] {
        let (status, shown) = told(desk.visitor.upload(&desk.list, "people.csv", &content).await);
        assert_eq!((status, shown.as_str()), (400, text));
    }
    // What comes before the first field, and the head of a field, have no bound of their own.
    let endless = vec![b'x'; 3 << 20];
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"").into_bytes();
    for before in [Vec::new(), head] {
        let (status, shown) =
            told(desk.visitor.upload_raw(&desk.list, [before, endless.clone()].concat()).await);
        assert_eq!((status, shown.as_str()), (400, "The file did not arrive whole. Upload it again."));
    }
    let foreign = desk.visitor.upload_with("wrong", &desk.list, "people.csv", b"email\n").await;
    assert_eq!(foreign.status.as_u16(), 403);
    assert!(desk.visitor.page("/jobs").await.contains("No imports or bulk changes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_of_files_are_shown_as_they_are_and_lead_nowhere() {
    let desk = Desk::new().await;
    for (name, shown) in [
        ("../../<script>alert(1)</script>.csv", "script&#62;.csv"),
        ("Füße &amp; \u{202e}vsc.exe", "Füße &#38;amp; \u{202e}vsc.exe"),
        ("%0d%0aSet-Cookie: x=y", "%0d%0aSet-Cookie: x=y"),
    ] {
        let job = desk.visitor.uploaded(&desk.list, name, b"email\nuser@example.com\n").await;
        let page = desk.visitor.page(&job).await;
        assert!(page.contains(&format!("{shown}</h1>")), "{name}: {page}");
        assert!(!page.contains("<script>alert"));
        let id = job.rsplit('/').next().expect("an id");
        assert!(ObjectId::parse(id).is_some());
    }
}

/// The beginning of an upload whose rest is to come, on a connection of its own.
async fn begin_upload(visitor: &Visitor, list: &str) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt as _;
    let (address, cookie, csrf) = visitor.credentials();
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /lists/{list}/import HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: 1000000\r\n\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\nemail\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    stream
}

/// Sends a few bytes every now and then, which no pause ends, until the server closes; returns its answer.
async fn trickle(mut stream: tokio::net::TcpStream) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut answer = Vec::new();
    loop {
        let mut buffer = [0; 4_096];
        tokio::select! {
            read = stream.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return String::from_utf8_lossy(&answer).into_owned(),
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
            },
            () = tokio::time::sleep(Duration::from_millis(200)) => {
                // Closed by the server, it is at its end when it is read.
                let _ = stream.write_all(b"x@example.com\n").await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_trickle_leave_others_a_place() {
    let desk = Desk::new().await;
    let bearer = desk.server.bearer("Other").await;
    let other = Visitor::new(desk.server.address, desk.server.storage.as_ref(), bearer.user).await;
    let made = json!({ "contactListName": "Theirs" });
    let list = desk.server.post_as(&bearer.token, "/v3/contact-list/create", &made).await.json();
    let mut trickles = tokio::task::JoinSet::new();
    for _ in 0..8 {
        trickles.spawn(trickle(begin_upload(&desk.visitor, &desk.list).await));
    }
    // An empty file makes no job, so that asking again and again leaves none. It has a place for a moment, in which one
    // of those above may have been refused: so there is another one each time.
    let taken = async || {
        trickles.spawn(trickle(begin_upload(&desk.visitor, &desk.list).await));
        let answer = desk.visitor.upload(&desk.list, "people.csv", b"").await;
        answer.text().contains("other files are being uploaded: try again in a moment").then_some(())
    };
    desk.server.wait_for("the account's places to be taken", taken).await;
    let list = list["contactListId"].as_str().expect("an id");
    other.uploaded(list, "people.csv", b"email\nuser@example.com\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_trickles_loses_its_place() {
    let mut setup = Setup::default();
    setup.limits.body_timeout = Duration::from_secs(3);
    let desk = Desk::with(setup).await;
    let answer = trickle(begin_upload(&desk.visitor, &desk.list).await).await;
    assert!(answer.contains("the file comes too slowly"), "{answer}");
    assert!(desk.visitor.page("/jobs").await.contains("No imports or bulk changes"));
}
