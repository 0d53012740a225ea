//! A browser of one's own, ended with everything that it has started.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command as Program, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::command::Command;
use crate::harness::{Directory, PATIENCE};

const FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
];

/// A browser with one page.
pub struct Browser {
    pub client: Client,
    base: String,
    driver: Driver,
}

/// The driver's process, and the browser's that it has started.
struct Driver {
    child: Child,
    browser: Option<u32>,
    /// Where the browser keeps what it keeps; it goes with the test.
    profile: Directory,
}

impl Driver {
    /// Starts one on a port of its own.
    fn start() -> (Self, u16) {
        let mut program = Program::new("chromedriver");
        program.args(["--port=0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = program.spawn().expect("chromedriver runs: apt-get install chromium-driver");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let port = loop {
            let line = lines.next().expect("it tells its port").expect("text");
            let told = line.split_once("started successfully on port ").map(|(_, port)| port);
            if let Some(port) = told.and_then(|port| port.trim_end_matches('.').parse().ok()) {
                break port;
            }
        };
        // What it says further on is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        (Self { child, browser: None, profile: Directory::new() }, port)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Only these two, by their ids; the browser's own helpers go with it.
        for id in [Some(self.child.id()), self.browser].into_iter().flatten() {
            // It may have ended.
            let _ = Program::new("kill").args(["-KILL", &id.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.child.wait();
    }
}

impl Browser {
    /// Opens a browser for the pages of a server.
    pub async fn open(base: &str) -> Self {
        let (mut driver, port) = Driver::start();
        let profile = driver.profile.path("profile");
        let mut flags = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.display()));
        let wanted = json!({
            "goog:chromeOptions": {
                "args": flags,
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(wanted) = wanted else { unreachable!("an object") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let address = format!("http://127.0.0.1:{port}");
        let client = builder.capabilities(wanted).connect(&address).await.expect("a browser");
        let told = client.session_creation_response().and_then(|told| told.capabilities());
        driver.browser = told
            .and_then(|told| told.get("goog:processID"))
            .and_then(Value::as_u64)
            .and_then(|id| u32::try_from(id).ok());
        let browser = Self { client, base: base.to_owned(), driver };
        browser.look("light", 1280).await;
        browser
    }

    /// Closes it; what its log has told must have been looked at.
    pub async fn close(self) {
        self.quiet().await;
        let Self { client, driver, .. } = self;
        client.close().await.expect("it closes");
        drop(driver);
    }

    /// Sets the scheme of colours and the width.
    pub async fn look(&self, scheme: &str, width: u32) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.tools("Emulation.setEmulatedMedia", features).await;
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.tools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// A command of the developer tools.
    pub async fn tools(&self, name: &str, values: Value) -> Value {
        self.client.issue_cmd(Command::tools(name, values)).await.expect("the tools do it")
    }

    /// A picture of the whole page, as PNG; of a page that is taller than Chromium draws, the first 16,000 pixels.
    pub async fn picture(&self) -> Vec<u8> {
        let size =
            self.run("const it = document.scrollingElement; return [it.scrollWidth, it.scrollHeight]").await;
        let height = size[1].as_u64().expect("a height").min(16_000);
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": height, "scale": 1 });
        let values = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let told = self.tools("Page.captureScreenshot", values).await;
        BASE64_STANDARD.decode(told["data"].as_str().expect("a picture")).expect("base64")
    }

    /// Opens a page of the server.
    pub async fn visit(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.expect("a page");
    }

    /// The path and query of the page that is open.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("a page");
        url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits until a page with that path is open.
    pub async fn arrives_at(&self, path: &str) {
        self.wait_for(path, async || (self.path().await.split('?').next() == Some(path)).then_some(())).await;
    }

    /// An element that must come.
    pub async fn find(&self, selector: &str) -> Element {
        self.wait_for(selector, async || self.client.find(Locator::Css(selector)).await.ok()).await
    }

    /// The text of an element that must come. What the page replaces between the two steps is looked for again.
    pub async fn text(&self, selector: &str) -> String {
        let ask = async || self.client.find(Locator::Css(selector)).await.ok()?.text().await.ok();
        self.wait_for(selector, ask).await
    }

    /// Waits until the page shows a text.
    pub async fn sees(&self, text: &str) {
        self.wait_for(text, async || self.text("main").await.contains(text).then_some(())).await;
    }

    /// Fills a field in.
    pub async fn fill(&self, selector: &str, text: &str) {
        let fill = async || {
            let field = self.client.find(Locator::Css(selector)).await.ok()?;
            field.clear().await.ok()?;
            field.send_keys(text).await.ok()
        };
        self.wait_for(selector, fill).await;
    }

    /// Clicks what a selector names.
    pub async fn click(&self, selector: &str) {
        let click = async || self.client.find(Locator::Css(selector)).await.ok()?.click().await.ok();
        self.wait_for(selector, click).await;
    }

    /// What the server answers to the page that is open when it asks for a file.
    pub async fn file(&self, path: &str) -> String {
        let script = "const [path, done] = arguments; fetch(path).then((answer) => answer.text()).then(done)";
        let told = self.client.execute_async(script, vec![json!(path)]).await.expect("an answer");
        told.as_str().expect("a text").to_owned()
    }

    /// Clicks a link or a button by the text that begins it.
    pub async fn press(&self, text: &str) {
        let path = format!("(//a|//button|//summary)[starts-with(normalize-space(.), '{text}')]");
        let press = async || self.client.find(Locator::XPath(&path)).await.ok()?.click().await.ok();
        self.wait_for(text, press).await;
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("it runs")
    }

    /// What the browser has complained of since the last time: scripts that failed, what the policy has forbidden,
    /// what could not be loaded.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.client.issue_cmd(Command::log()).await.expect("a log");
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Nothing was complained of.
    pub async fn quiet(&self) {
        assert_eq!(self.complaints().await, Vec::<String>::new());
    }

    /// Asks again and again, until there is something or patience ends.
    pub async fn wait_for<T>(&self, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            if start.elapsed() > PATIENCE * 2 {
                let page = self.client.source().await.unwrap_or_default();
                panic!("waited in vain for {what} at {}: {page}", self.path().await);
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}
