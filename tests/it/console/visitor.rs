//! Somebody with a browser: keeps cookies, follows nothing by itself, and fills forms in.

use domain::clock::Clock;
use domain::id::{Ids, ObjectId};
use hyper::{Method, StatusCode};
use storage::UserRole;
use url::form_urlencoded;

use crate::harness::{Answer, Server};

/// A password that is long enough.
pub const PASSWORD: &str = "correct horse battery";

/// A browser.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// `name=value`, as it is sent back.
    pub cookie: Option<String>,
    /// The token of the forms of the last page that had any.
    pub csrf: String,
}

impl Visitor {
    /// Sends a request, and keeps what the answer sets.
    pub async fn send(
        &mut self,
        server: &Server,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("accept", "text/html,application/xhtml+xml"));
        headers.extend(self.cookie.as_deref().map(|cookie| ("cookie", cookie)));
        let answer = server.send(method, path, &headers, body).await;
        if let Some(set) = answer.headers.get("set-cookie") {
            let pair = set.to_str().expect("text").split(';').next().expect("a pair").to_owned();
            self.cookie = (!pair.ends_with('=')).then_some(pair);
        }
        let text = answer.text();
        if let Some((_, rest)) = text.split_once(r#"name="csrf" value=""#) {
            self.csrf = rest.split('"').next().expect("a value").to_owned();
        }
        answer
    }

    pub async fn get(&mut self, server: &Server, path: &str) -> Answer {
        self.send(server, Method::GET, path, &[], String::new()).await
    }

    /// A page that must be there.
    pub async fn page(&mut self, server: &Server, path: &str) -> String {
        let answer = self.get(server, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        answer.text()
    }

    /// Sends a form as it is, with these headers.
    pub async fn post_with(
        &mut self,
        server: &Server,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.send(server, Method::POST, path, &headers, body).await
    }

    /// Sends a form of the last page.
    pub async fn post(&mut self, server: &Server, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf.clone();
        let fields: Vec<_> = [("csrf", csrf.as_str())].iter().chain(fields).copied().collect();
        self.post_with(server, path, &[], &fields).await
    }

    /// Sends a form that must be taken, and returns where it leads.
    pub async fn done(&mut self, server: &Server, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(server, path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text());
        location(&answer)
    }

    /// Tries to sign in.
    pub async fn sign_in(&mut self, server: &Server, email: &str, password: &str) -> Answer {
        self.post_with(server, "/sign-in", &[], &[("email", email), ("password", password), ("to", "/lists")])
            .await
    }
}

/// Adds a user with a role to the server's account, and lets it in.
pub async fn add(server: &Server, role: UserRole, email: &str) -> (ObjectId, Visitor) {
    let now = Clock::now(server.clock.as_ref());
    let (user, about) = (Ids::from_system().next(now), ("Ben".to_owned(), role));
    assert!(server.storage.add_user(server.account, user, about, 200, now).await.expect("a change"));
    (user, let_in(server, user, email).await)
}

/// Where an answer leads.
pub fn location(answer: &Answer) -> String {
    answer.headers["location"].to_str().expect("text").to_owned()
}

/// Makes a user of the server's account sign in with an address, by a link, and returns the browser.
pub async fn let_in(server: &Server, user: ObjectId, email: &str) -> Visitor {
    let url = web::login::PublicUrl::of(server.address);
    let now = Clock::now(server.clock.as_ref());
    let link = console::invite(server.storage.as_ref(), &url, user, now).await.expect("a change");
    let link = link.expect("a link");
    let path = link.strip_prefix(url.as_str()).expect("of this server").to_owned();
    let mut visitor = Visitor::default();
    let fields = [("name", "Ada"), ("email", email), ("password", PASSWORD), ("again", PASSWORD)];
    let answer = visitor.post_with(server, &path, &[], &fields).await;
    assert_eq!(
        (answer.status, location(&answer).as_str()),
        (StatusCode::SEE_OTHER, "/"),
        "{}",
        answer.text()
    );
    visitor.page(server, "/account").await;
    visitor
}
