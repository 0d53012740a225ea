//! A browser without a screen: somebody who is signed in, follows links, and sends forms.

use std::net::SocketAddr;

use bytes::Bytes;
use domain::clock::{Clock, SystemClock};
use domain::id::ObjectId;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use hyper::http::request::Builder;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use storage::Storage;
use url::form_urlencoded;
use web::login::PublicUrl;

use crate::harness::Answer;

pub const BOUNDARY: &str = "-----------------------------9051914041544843365972754266";

/// Somebody who is signed in.
pub struct Visitor {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    cookie: String,
    csrf: String,
}

impl Visitor {
    /// The cookie of its session.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Signs a user in by a link that is made in the store.
    pub async fn new(address: SocketAddr, storage: &dyn Storage, user: ObjectId) -> Self {
        let url = PublicUrl::of(address);
        let link = console::invite(storage, &url, user, SystemClock.now()).await.expect("it is kept");
        let link = link.expect("the user is there");
        let path = link.strip_prefix(url.as_str()).expect("a link to the server").to_owned();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut visitor = Self { address, client, cookie: String::new(), csrf: String::new() };
        let email = format!("{user}@example.com");
        let password = "correct horse battery";
        let fields = [("name", "Jo"), ("email", email.as_str()), ("password", password), ("again", password)];
        let answer = visitor.post(&path, &fields).await;
        let cookie = answer.headers.get(SET_COOKIE).expect("a cookie").to_str().expect("text");
        visitor.cookie = cookie.split(';').next().expect("a value").to_owned();
        let page = visitor.page("/lists").await;
        visitor.csrf = between(&page, "name=\"csrf\" value=\"", "\"").to_owned();
        visitor
    }

    async fn send(&self, method: Method, path: &str, kind: &str, body: impl Into<Bytes>) -> Answer {
        let request = self.request(method, path).header(CONTENT_TYPE, kind);
        self.answer(request.body(Full::new(body.into())).expect("a request")).await
    }

    /// Asks for a file with more headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::GET, path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.answer(request.body(Full::default()).expect("a request")).await
    }

    fn request(&self, method: Method, path: &str) -> Builder {
        let uri = format!("http://{}{path}", self.address);
        Request::builder().method(method).uri(uri).header(COOKIE, &self.cookie)
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Answer {
        let response = self.client.request(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("the whole answer").to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// What a request of this browser carries: where it goes, the cookie, and the token of forms.
    pub fn credentials(&self) -> (SocketAddr, &str, &str) {
        (self.address, &self.cookie, &self.csrf)
    }

    /// Asks for a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", Bytes::new()).await
    }

    /// The text of a page that is there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text());
        answer.text()
    }

    /// Sends a form, as a page of the server would.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &self.csrf).extend_pairs(fields);
        self.send(Method::POST, path, "application/x-www-form-urlencoded", form.finish()).await
    }

    /// Sends a form that must be taken, and returns where it leads.
    pub async fn goes(&self, path: &str, fields: &[(&str, &str)]) -> String {
        leads(&self.post(path, fields).await)
    }

    /// Uploads a file.
    pub async fn upload(&self, list: &str, name: &str, content: &[u8]) -> Answer {
        self.upload_with(&self.csrf, list, name, content).await
    }

    /// The same with another token of the form.
    pub async fn upload_with(&self, csrf: &str, list: &str, name: &str, content: &[u8]) -> Answer {
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        self.upload_raw(list, body).await
    }

    /// Sends what is no upload that a browser would make.
    pub async fn upload_raw(&self, list: &str, body: Vec<u8>) -> Answer {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.send(Method::POST, &format!("/lists/{list}/import"), &kind, body).await
    }

    /// Uploads a file that must be taken, and returns the path of its job.
    pub async fn uploaded(&self, list: &str, name: &str, content: &[u8]) -> String {
        leads(&self.upload(list, name, content).await)
    }
}

fn leads(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text());
    answer.headers.get(LOCATION).expect("a place").to_str().expect("text").to_owned()
}

/// What stands between two texts.
pub fn between<'a>(text: &'a str, before: &str, behind: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} in {text}"));
    rest.split_once(behind).expect("the end").0
}

impl Visitor {
    /// The same after the server was started again elsewhere.
    pub fn at(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }
}
