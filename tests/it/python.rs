//! What of the tests is written in Python, in the virtual environment that `./test` makes.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// How long a program may take before it is ended, in seconds: only one that hangs takes so long.
const PATIENCE: &str = "900";

/// A program of the environment.
pub fn program(name: &str) -> Command {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory of targets");
    let path = target.join("python/bin").join(name);
    assert!(path.exists(), "{} is missing: ./test installs it", path.display());
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", PATIENCE]).arg(path);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A file of the tests.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/python").join(name)
}

/// Something that must fit a schema of a description.
pub struct Claim {
    /// What it is, for who reads of the failure.
    pub about: String,
    /// Where the schema is, as a JSON pointer.
    pub schema: String,
    pub instance: Value,
}

/// Checks that a description is valid OpenAPI 3.1, and that every claim holds.
pub fn holds(description: &Value, claims: &[Claim]) {
    let claims = claims.iter().map(|Claim { about, schema, instance }| json!([about, schema, instance]));
    let input = json!({ "description": description, "claims": claims.collect::<Vec<_>>() });
    let mut python = program("python")
        .arg(fixture("holds.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python runs");
    python.stdin.take().expect("its input").write_all(input.to_string().as_bytes()).expect("it reads");
    let output = python.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{out}{err}");
}
