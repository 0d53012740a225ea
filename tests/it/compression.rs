//! Compressed bodies (contract, section 1): taken, bounded, and broken ones refused.

use std::io::{Read, Write as _};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use hyper::StatusCode;
use serde_json::json;

use crate::harness::{Answer, Server};

const UPDATE: &str = "/v3/contacts/update";

fn gzip(mut plain: impl Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut plain, &mut encoder).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn bare_deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A brotli stream that stores the text as it is (RFC 7932, 9.2): there is no encoder among our dependencies.
fn brotli(plain: &[u8]) -> Vec<u8> {
    assert!((2..=1 << 16).contains(&plain.len()));
    // WBITS 16 is one 0; ISLAST 0; MNIBBLES 4 is 00; MLEN - 1 in 16 bits; ISUNCOMPRESSED 1; then whole bytes.
    let header = (u32::try_from(plain.len()).unwrap() - 1) << 4 | 1 << 20;
    let mut stream = header.to_le_bytes()[..3].to_vec();
    stream.extend_from_slice(plain);
    // ISLAST 1, ISLASTEMPTY 1.
    stream.push(3);
    stream
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn coded(plain: &[u8]) -> [(&'static str, Vec<u8>); 5] {
    [
        ("gzip", gzip(plain)),
        ("deflate", zlib(plain)),
        ("deflate", bare_deflate(plain)),
        ("br", brotli(plain)),
        ("zstd", zstd(plain)),
    ]
}

fn is_bad_request(answer: &Answer, what: &str) {
    let expected = (StatusCode::BAD_REQUEST, vec!["Bad Request".to_owned()]);
    assert_eq!((answer.status, answer.errors()), expected, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_coding_is_taken() {
    let server = Server::start().await;
    let list = server.list().await;
    for (number, name) in (0..).zip(["gzip", "deflate", "deflate", "br", "zstd"]) {
        let contact = format!("{name}{number}");
        let body = json!({ "contactListId": list, "upsert": true, "contacts": [{ "contact": contact }] });
        let (coding, bytes) = coded(body.to_string().as_bytes())[number].clone();
        let answer = server.post_coded(UPDATE, coding, bytes).await;
        assert_eq!(answer.status, StatusCode::OK, "{contact}: {}", answer.text());
        server.processed(answer.json()["requestId"].as_str().unwrap()).await;
        assert_eq!(server.contact(&list, "userId", &contact).await["userId"], contact);
    }
    let plain = json!({ "contactListId": list, "contacts": [{ "contact": "a" }] }).to_string();
    for (coding, bytes) in [
        ("identity", plain.clone().into_bytes()),
        ("", plain.clone().into_bytes()),
        ("GZIP", gzip(plain.as_bytes())),
        ("x-gzip", gzip(plain.as_bytes())),
        // Two members are one stream (RFC 1952, 2.2).
        ("gzip", [gzip(&plain.as_bytes()[..9]), gzip(&plain.as_bytes()[9..])].concat()),
    ] {
        let answer = server.post_coded(UPDATE, coding, bytes).await;
        assert_eq!(answer.status, StatusCode::OK, "{coding}: {}", answer.text());
    }
    server.stop().await;
}

/// What an encoder makes of `{"contactListName":"Customers of our shop, customers of our site"}`.
const BROTLI_LIST: &str = "1b4100e09c0776ac631263eba3fc08959e22727bf936d6d7666973751284890e1c72c07e90b6b680024bb0fac47a\
    035ac96482666fec484f1970bd891b83b001";

/// What it makes of 10 MiB of blanks.
const BROTLI_BOMB: &str = "cbffff3ff82540e2b14020f7fe2fffff3ff04b00c4611180eefd07";

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn brotli_as_an_encoder_makes_it_is_taken_and_bounded() {
    let server = Server::start().await;
    let answer = server.post_coded("/v3/contact-list/create", "br", from_hex(BROTLI_LIST)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let answer = server.post_coded("/v3/contact-list/create", "br", from_hex(BROTLI_BOMB)).await;
    let expected = (StatusCode::PAYLOAD_TOO_LARGE, vec!["Request body is too large".to_owned()]);
    assert_eq!((answer.status, answer.errors()), expected);
    for length in 0..BROTLI_LIST.len() / 2 {
        let cut = from_hex(&BROTLI_LIST[..length * 2]);
        let answer = server.post_coded("/v3/contact-list/create", "br", cut).await;
        is_bad_request(&answer, &format!("cut to {length}"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_anywhere_is_a_bad_request() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "contacts": [{ "contact": "a" }] }).to_string();
    for (number, (coding, bytes)) in coded(body.as_bytes()).into_iter().enumerate() {
        for length in 0..bytes.len() {
            let answer = server.post_coded(UPDATE, coding, bytes[..length].to_vec()).await;
            is_bad_request(&answer, &format!("{coding} ({number}) cut to {length} of {}", bytes.len()));
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_codings_are_bad_requests() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "contacts": [{ "contact": "a" }] }).to_string();
    for (coding, bytes) in coded(body.as_bytes()) {
        let answer = server.post_coded(UPDATE, coding, body.clone()).await;
        is_bad_request(&answer, &format!("{coding}: not compressed at all"));
        // Never a 5xx and never a crash, whatever byte is wrong; those with a checksum notice every one.
        for index in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[index] ^= 0x55;
            let answer = server.post_coded(UPDATE, coding, wrong).await;
            assert!(!answer.status.is_server_error(), "{coding}, byte {index}: {}", answer.text());
        }
        if coding != "br" && coding != "deflate" {
            for index in bytes.len() - 4..bytes.len() {
                let mut wrong = bytes.clone();
                wrong[index] ^= 0x55;
                let answer = server.post_coded(UPDATE, coding, wrong).await;
                is_bad_request(&answer, &format!("{coding}: wrong checksum"));
            }
        }
    }
    let mut wrong = zlib(body.as_bytes());
    let last = wrong.len() - 1;
    wrong[last] ^= 0x55;
    is_bad_request(&server.post_coded(UPDATE, "deflate", wrong).await, "zlib: wrong checksum");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_behind_a_compressed_body_is_a_bad_request() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "contacts": [{ "contact": "a" }] }).to_string();
    for (number, (coding, mut bytes)) in coded(body.as_bytes()).into_iter().enumerate() {
        bytes.extend_from_slice(b"garbage");
        let answer = server.post_coded(UPDATE, coding, bytes).await;
        is_bad_request(&answer, &format!("{coding} ({number}) with more behind it"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codings_that_nobody_knows_are_bad_requests() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "contacts": [{ "contact": "a" }] }).to_string();
    for coding in ["compress", "lzma", "gzip2", "*", "utf-8"] {
        is_bad_request(&server.post_coded(UPDATE, coding, body.clone()).await, coding);
    }
    let headers =
        [("access-token", server.token.as_str()), ("content-encoding", "gzip"), ("content-encoding", "br")];
    let answer = server.send(hyper::Method::POST, UPDATE, &headers, gzip(body.as_bytes())).await;
    is_bad_request(&answer, "two codings");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_costs_no_more_than_the_bound() {
    let server = Server::start().await;
    let bomb = gzip(std::io::repeat(b' ').take(1 << 30));
    assert!((900_000..=1 << 20).contains(&bomb.len()), "{}", bomb.len());
    let start = Instant::now();
    let answer = server.post_coded(UPDATE, "gzip", bomb).await;
    let text = "Request body is too large";
    let expected = json!({ "result": false, "requestId": "<id>", "errors": [text], "details": [
        { "position": null, "field": null, "code": "BODY_TOO_LARGE", "message": text }] });
    assert_eq!((answer.status, answer.normal()), (StatusCode::PAYLOAD_TOO_LARGE, expected));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    let zeros = vec![b' '; 10 << 20];
    for (coding, bytes) in
        [("deflate", zlib(&zeros)), ("deflate", bare_deflate(&zeros)), ("zstd", zstd(&zeros))]
    {
        let answer = server.post_coded(UPDATE, coding, bytes).await;
        assert_eq!(
            (answer.status, answer.errors()),
            (StatusCode::PAYLOAD_TOO_LARGE, vec![text.to_owned()]),
            "{coding}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bound_counts_decompressed_bytes() {
    let server = Server::start().await;
    let list = server.list().await;
    let mut body = json!({ "contactListId": list, "contacts": [{ "contact": "a" }] }).to_string();
    body.push_str(&" ".repeat((1 << 20) - body.len()));
    for (extra, status) in [("", StatusCode::OK), (" ", StatusCode::PAYLOAD_TOO_LARGE)] {
        let body = format!("{body}{extra}");
        assert_eq!(server.post_bytes(UPDATE, body.clone()).await.status, status);
        for (coding, bytes) in [
            ("gzip", gzip(body.as_bytes())),
            ("deflate", zlib(body.as_bytes())),
            ("zstd", zstd(body.as_bytes())),
        ] {
            assert_eq!(server.post_coded(UPDATE, coding, bytes).await.status, status, "{coding}");
        }
    }
    server.stop().await;
}
