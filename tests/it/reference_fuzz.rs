//! The description held against the server by schemathesis: whatever fits it, and whatever does not, is answered with a
//! status, headers and a body that it tells, and what does not fit is refused.

use std::time::Duration;

use http::METHODS;
use serde_json::{Value, json};

use crate::harness::{Server, Setup};
use crate::python::{fixture, program};

/// Requests for each method beside those that try every bound once. A run takes half a minute.
const EXAMPLES: &str = "25";

/// Another seed is tried with this variable.
const SEED: &str = "ROLLBOOK_FUZZ_SEED";

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,ignored_auth,\
                      unsupported_method,allow_header_conformance,codes_of_the_status";

/// Ids and names for the requests, and what the description says that schemathesis does not read.
async fn real(server: &Server) -> Value {
    let description = crate::reference::description(server).await;
    let responses = description["paths"]["/v3/contacts/update"]["post"]["responses"].as_object();
    let mut codes = json!({});
    for (status, response) in responses.expect("responses") {
        if let Some(reference) = response["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            codes[status] = description.pointer(reference).expect("a response")["x-known-codes"].clone();
        }
    }
    let (list, spare_list) = (server.list().await, server.list().await);
    let source = server.source(&json!({ "name": "Real", "customerSourceId": "real" })).await;
    let spare_source = server.source(&json!({ "name": "Spare" })).await;
    let request = server.update(&list, true, json!([{ "contact": "user1" }])).await;
    json!({
        "list": list,
        "spareList": spare_list,
        "source": source,
        "spareSource": spare_source,
        "request": request["id"],
        "codes": codes,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_keeps_to_its_description() {
    let mut setup = Setup::default();
    setup.limits.in_flight = 1_000;
    setup.limits.body_timeout = Duration::from_secs(120);
    let server = Server::with(setup).await;
    let real = real(&server).await;
    let mut command = program("schemathesis");
    command
        .current_dir(server.directory.path(""))
        .env("ROLLBOOK_REAL", real.to_string())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", fixture(""))
        .arg("run")
        .arg(format!("http://{}/openapi.json", server.address))
        .args(["--url", &format!("http://{}", server.address)])
        .args(["--header", &format!("Access-Token: {}", server.token)])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--mode", "all"])
        .args(["--max-examples", EXAMPLES, "--continue-on-failure", "--workers", "1"])
        .args(["--seed", &std::env::var(SEED).unwrap_or_else(|_| "1".to_owned())])
        // A slow machine is no failure.
        .args(["--request-timeout", "60", "--suppress-health-check", "all"])
        .args(["--generation-database", "none", "--warnings", "off", "--no-color"]);
    let output = tokio::task::spawn_blocking(move || command.output().expect("schemathesis runs"));
    let output = output.await.expect("it ends");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let methods = METHODS.len();
    assert!(told.contains(&format!("Selected: {methods}/{methods}")), "{told}");
    assert!(told.contains(&format!("Tested: {methods}")), "{told}");

    // It was not by refusing everything: many batches were accepted.
    let accepted = server.ok("/v3/request/list", &json!({ "limit": 1 })).await;
    assert!(accepted["totalCount"].as_u64().expect("a number") > 50, "{accepted}");
}
