//! A disk that is full: batches are refused whole, and taken again once there is room.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::Directory;
use crate::process::{Process, Store, run, wait_for};
use crate::wire::Reply;

/// A file system of a few megabytes in memory.
pub struct SmallDisk {
    pub point: PathBuf,
    _directory: Directory,
}

impl SmallDisk {
    /// Of so many megabytes.
    pub fn mount(megabytes: u32) -> Self {
        let directory = Directory::new();
        let point = directory.path("disk");
        std::fs::create_dir(&point).expect("a directory to mount at");
        let mount = run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "rollbook-test"])
            .arg(&point));
        assert_eq!(
            mount.code,
            Some(0),
            "this test needs the right to mount a tmpfs (run it as root): {}",
            mount.err
        );
        Self { point, _directory: directory }
    }

    /// Takes all the room that is left, to the last page.
    pub fn fill(&self) {
        let mut file = File::create(self.point.join("ballast")).expect("a file");
        let page = [0; 4_096];
        while file.write_all(&page).is_ok() {}
    }

    pub fn make_room(&self) {
        std::fs::remove_file(self.point.join("ballast")).expect("it is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whatever still holds a file does not keep the mount in the tree.
        let _ = Command::new("umount").arg("--lazy").arg(&self.point).status();
    }
}

struct Caller<'a> {
    server: &'a Process,
    token: &'a str,
    list: &'a str,
}

impl Caller<'_> {
    /// Makes a contact with that userId, or is refused.
    fn send(&self, user_id: &str) -> Reply {
        let body = json!({ "contactListId": self.list, "upsert": true,
                           "contacts": [{ "contact": user_id, "name": "x".repeat(255) }] });
        self.server.post("/v3/contacts/update", self.token, &body)
    }

    fn is_there(&self, user_id: &str) -> bool {
        !self.server.contact(self.token, self.list, user_id).is_null()
    }
}

fn request_id(reply: &Reply) -> String {
    reply.json()["requestId"].as_str().expect("an id").to_owned()
}

/// The refusal of the page, and when to come again.
fn assert_saving_error(reply: &Reply) {
    let text = "Request saving error. Please, contact us or try again later";
    let mut body = reply.json();
    if let Some(id) = body.get_mut("requestId") {
        assert!(id.take().is_string());
        body.as_object_mut().expect("an object").remove("requestId");
    }
    let details = json!([{ "position": null, "field": null, "code": "NOT_SAVED", "message": text }]);
    assert_eq!(reply.status, 503);
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(body, json!({ "result": false, "errors": [text], "details": details }));
}

/// Sends until the disk has taken its last batch; those that were accepted, and the one that was refused.
fn send_until_refused(caller: &Caller<'_>) -> (Vec<(String, String)>, String, Reply) {
    let mut accepted = Vec::new();
    for number in 0..10_000 {
        let user_id = format!("contact-{number}");
        let reply = caller.send(&user_id);
        if reply.status != 200 {
            return (accepted, user_id, reply);
        }
        accepted.push((user_id, request_id(&reply)));
    }
    panic!("a disk of 8 MB took 10,000 batches");
}

#[test]
fn a_full_disk_refuses_whole_batches_and_takes_them_again_when_there_is_room() {
    let disk = SmallDisk::mount(8);
    let store = Store::at(disk.point.join("rollbook.db"));
    let server = store.serve();
    let token = store.account("Shop").token;
    let list = server.list(&token);
    let caller = Caller { server: &server, token: &token, list: &list };
    assert_eq!(caller.send("before").status, 200);

    disk.fill();
    let (accepted, refused, reply) = send_until_refused(&caller);
    assert_saving_error(&reply);
    let refused_id = request_id(&reply);
    // Every method that would write says so; those that only read still answer.
    let create = json!({ "contactListName": "Another" });
    assert_saving_error(&server.post("/v3/contact-list/create", &token, &create));
    server.ok("/v3/account/info", &token, &json!({}));
    let ready = || {
        let mut wire = server.connect();
        wire.write(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("a request");
        wire.read().expect("an answer")
    };
    let told = ready();
    assert_eq!((told.status, told.json()["errors"].clone()), (503, json!(["the disk is full"])));
    for (_, request) in &accepted {
        let found = server.ok("/v3/request/find", &token, &json!({ "ids": [request] }));
        assert!(found["requests"][request].is_object(), "what was accepted is known: {found}");
    }

    disk.make_room();
    let after = wait_for("the server to accept again", || {
        let reply = caller.send("after");
        (reply.status == 200).then(|| request_id(&reply))
    });
    assert_eq!(ready().status, 200);
    server.processed(&token, &after);
    for (user_id, request) in &accepted {
        assert_eq!(server.processed(&token, request)["results"]["errors"], json!([]));
        assert!(caller.is_there(user_id), "{user_id} was accepted");
    }
    assert!(caller.is_there("before") && caller.is_there("after"));
    assert!(!caller.is_there(&refused), "a refused batch is not kept");
    let found = server.ok("/v3/request/find", &token, &json!({ "ids": [refused_id] }));
    assert_eq!(found["requests"], Value::Object(serde_json::Map::new()));

    // The files are sound: another process reads them.
    drop(server);
    let server = store.serve();
    assert!(!server.contact(&token, &list, "after").is_null());
}
