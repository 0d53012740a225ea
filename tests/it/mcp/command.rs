//! The command `rollbook mcp`: it passes calls to a server.

use super::*;

/// `rollbook mcp` as an assistant runs it.
struct Assistant {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Assistant {
    fn run(set: impl FnOnce(&mut std::process::Command)) -> Self {
        let mut command = program();
        command.arg("mcp").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        set(&mut command);
        let mut child = command.spawn().expect("the program");
        let (input, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Self { child, input, output: BufReader::new(output) }
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        writeln!(self.input, "{}", message(method, &params)).expect("the program reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the program answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn initialize(&mut self) -> Value {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        let answer = self.ask("initialize", params);
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        writeln!(self.input, "{note}").expect("the program reads");
        answer["result"].clone()
    }

    /// Ends as an assistant ends it, and returns what is on standard error.
    fn end(mut self) -> String {
        drop(self.input);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.output, &mut rest).expect("the rest");
        let output = self.child.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), rest.as_str()), (Some(0), ""));
        String::from_utf8(output.stderr).expect("text")
    }
}

#[test]
fn the_command_passes_calls_to_a_server_and_ends_with_its_input() {
    let store = Store::new();
    let (server, token) = (store.serve(), store.account("Shop").token);
    let list = server.list(&token);
    let file = tempfile(&format!("{token}\n"));
    let url = format!("http://{}", server.address);
    let mut assistant = Assistant::run(|command| {
        command.args(["--url", &url, "--token-file"]).arg(&file);
    });
    assert_eq!(assistant.initialize()["serverInfo"]["name"], "rollbook");
    let listed = assistant.ask("tools/list", json!({}));
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(12));
    let call = json!({ "name": "list_contact_lists", "arguments": {} });
    let called = assistant.ask("tools/call", call.clone());
    assert_eq!(called["result"]["structuredContent"]["lists"][0]["contactListId"], *list);
    let refused =
        assistant.ask("tools/call", json!({ "name": "get_request", "arguments": { "requestId": "x" } }));
    assert_eq!(refused["result"]["isError"], true);

    // A restart of the server cuts nothing off: each call stands alone.
    drop(server);
    let away = assistant.ask("tools/call", call.clone());
    let text = away["result"]["content"][0]["text"].as_str().expect("a text");
    assert!(away["result"]["isError"] == true && text.contains("no answer of a server at http://"), "{away}");
    let server = store.serve_with(|command| {
        command.args(["--listen", url.trim_start_matches("http://")]);
    });
    assert_eq!(assistant.ask("tools/call", call)["result"]["isError"], false);
    assert_eq!(assistant.end(), "");
    drop(server);
    std::fs::remove_file(&file).expect("the file");
}

#[test]
fn a_wrong_token_is_reported_where_the_assistant_logs() {
    let store = Store::new();
    let server = store.serve();
    let mut assistant = Assistant::run(|command| {
        command.args(["--url", &format!("http://{}", server.address), "--token", "rb_wrong"]);
    });
    assistant.initialize();
    let listed = assistant.ask("tools/list", json!({}));
    assert_eq!(listed["error"]["message"], "/mcp: Invalid authorization token!");
    assert_eq!(assistant.end(), "rollbook: /mcp: Invalid authorization token!\n");
}

fn tempfile(text: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("rollbook-mcp-{}", std::process::id()));
    std::fs::write(&path, text).expect("the file");
    path
}
