//! A browser that has no scripts: it follows links, fills in forms, and keeps a cookie.

use domain::clock::{Clock, SystemClock};
use domain::id::ObjectId;
use hyper::{Method, StatusCode};
use sha2::{Digest, Sha256};
use storage::{FirstAccount, NewLogin, NewSession};
use url::form_urlencoded;

use crate::harness::Server;

/// Somebody who is signed in.
pub struct Browser {
    cookie: String,
}

/// What came of a request.
pub struct Page {
    pub status: StatusCode,
    pub location: Option<String>,
    pub set_cookie: Option<String>,
    pub html: String,
}

impl Browser {
    /// Signs a user in by what the store knows of sessions: how a person does it is tested elsewhere.
    pub async fn sign_in(server: &Server, user: ObjectId) -> Self {
        let now = SystemClock.now();
        let (cookie, link) = (format!("session of {user}").replace(' ', "-"), [user.to_bytes()[11]; 32]);
        let later = now.after(std::time::Duration::from_secs(3_600));
        let storage = &server.storage;
        assert!(storage.add_link(link, Some(user), later).await.expect("a link"));
        let login = NewLogin {
            name: "Ada".to_owned(),
            address: format!("{user}@example.com"),
            password: "not a hash: nobody signs in by it".to_owned(),
        };
        let session =
            NewSession { hash: Sha256::digest(&cookie).into(), agent: "test".to_owned(), expires_at: later };
        let unused = ObjectId::from_bytes([9; 12]);
        let account =
            FirstAccount { id: unused, name: String::new(), user: unused, webhook_secret: String::new() };
        storage.use_link(link, account, login, session, now).await.expect("used");
        Self { cookie: format!("rollbook_session={cookie}") }
    }

    /// One that is signed in with this cookie.
    pub fn of(cookie: &str) -> Self {
        Self { cookie: cookie.to_owned() }
    }

    /// What it sends as its cookie.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// The same with another cookie.
    pub fn with_cookie(self, cookie: &str) -> Self {
        Self { cookie: format!("{}; {cookie}", self.cookie) }
    }

    /// Asks for a page.
    pub async fn ask(&self, server: &Server, path: &str) -> Page {
        let headers = [("cookie", self.cookie.as_str()), ("accept", "text/html")];
        Page::of(server.send(Method::GET, path, &headers, "").await)
    }

    /// Asks for a page that must be there.
    pub async fn get(&self, server: &Server, path: &str) -> Page {
        let page = self.ask(server, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
        page
    }

    /// Sends a form as the page at `from` has it: with its hidden fields, and these.
    pub async fn submit(&self, server: &Server, from: &str, to: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(server, from).await;
        let mut body = form_urlencoded::Serializer::new(String::new());
        for (name, value) in page.hidden(to) {
            if !fields.iter().any(|(given, _)| *given == name) {
                body.append_pair(&name, &value);
            }
        }
        body.extend_pairs(fields);
        self.post(server, to, body.finish()).await
    }

    /// Sends a form whose fields are written out.
    pub async fn post(&self, server: &Server, path: &str, body: String) -> Page {
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "text/html"),
        ];
        Page::of(server.send(Method::POST, path, &headers, body).await)
    }
}

impl Page {
    fn of(answer: crate::harness::Answer) -> Self {
        let header =
            |name: &str| answer.headers.get(name).map(|value| value.to_str().expect("text").to_owned());
        let (location, set_cookie) = (header("location"), header("set-cookie"));
        Self { status: answer.status, location, set_cookie, html: answer.text() }
    }

    /// Where it leads on to.
    pub fn led(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.html);
        self.location.as_deref().expect("a place to go")
    }

    /// Whether the text stands in it, blanks as they may.
    pub fn says(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// What it says, without its tags, each blank one.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut tags = 0;
        for letter in self.html.chars() {
            match letter {
                '<' => tags += 1,
                '>' if tags > 0 => {
                    tags -= 1;
                    text.push(' ');
                }
                letter if tags == 0 => text.push(letter),
                _ => {}
            }
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        unescape(&text)
    }

    /// The values of an attribute of all tags that have this text in them.
    pub fn attributes(&self, within: &str, name: &str) -> Vec<String> {
        let tags = self.html.split('<').filter(|tag| tag.split('>').next().unwrap_or(tag).contains(within));
        let value = |tag: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
            rest.split_once('"').map(|(value, _)| unescape(value))
        };
        tags.filter_map(value).collect()
    }

    /// The contacts whose rows are there.
    pub fn contacts(&self) -> Vec<String> {
        self.attributes("name=\"contact\"", "value")
    }

    /// The query of the link to the page behind or in front.
    pub fn way(&self, rel: &str) -> Option<String> {
        self.attributes(&format!("rel=\"{rel}\""), "href").into_iter().next()
    }

    /// The hidden fields of the form that goes to a path, or of all that go back to the page itself.
    fn hidden(&self, to: &str) -> Vec<(String, String)> {
        let action = format!("action=\"{to}\"");
        let form = self.html.split("<form ").skip(1).find(|form| {
            let head = unescape(form.split('>').next().unwrap_or_default());
            head.contains(&action) || (!head.contains("action=") && head.contains("post"))
        });
        let form = form.unwrap_or_else(|| panic!("no form to {to} in {}", self.html));
        let form = form.split("</form>").next().unwrap_or_default();
        let tags = form.split("<input ").skip(1).filter(|tag| tag.starts_with("type=\"hidden\""));
        let attribute = |tag: &str, name: &str| {
            let (_, rest) = tag.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| unescape(value))
        };
        tags.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?))).collect()
    }
}

fn unescape(text: &str) -> String {
    let mut text = text.to_owned();
    for (escaped, plain) in [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        text = text.replace(escaped, plain);
    }
    text
}
