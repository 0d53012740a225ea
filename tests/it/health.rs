//! `rollbook health`: what a container asks instead of curl.

use crate::harness::Directory;
use crate::process::{Printed, Store, program, run};
use crate::tls::Pair;

/// The command with a configuration file.
fn health(directory: &Directory, settings: &str, arguments: &[&str]) -> Printed {
    let file = directory.path("rollbook.toml");
    std::fs::write(&file, settings).unwrap();
    run(program().arg("health").args(arguments).arg("--config").arg(&file))
}

#[test]
fn a_server_is_asked_where_its_settings_say_that_it_is() {
    let store = Store::new();
    let server = store.serve();
    let settings = format!("listen = \"0.0.0.0:{}\"\n", server.address.port());
    for (arguments, said) in [(&[][..], "alive\n"), (&["--ready"], "ready\n")] {
        let printed = health(&store.directory, &settings, arguments);
        assert_eq!((printed.code, printed.out.as_str(), printed.err.as_str()), (Some(0), said, ""));
    }
    let address = server.address;
    server.kill();
    let printed = health(&store.directory, &settings, &[]);
    assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""));
    assert!(
        printed.err.starts_with(&format!("rollbook: no answer of a server at {address}: ")),
        "{}",
        printed.err
    );
}

#[test]
fn under_tls_it_is_asked_at_the_address_of_the_metrics() {
    let store = Store::new();
    let pair = Pair::write(&store.directory);
    let files = format!(
        "tls_certificate = {:?}\ntls_key = {:?}\n",
        pair.certificate.display().to_string(),
        pair.key.display().to_string()
    );
    let printed = health(&store.directory, &files, &[]);
    assert_eq!(printed.code, Some(1));
    assert_eq!(printed.err, "rollbook: with TLS, health is asked at metrics_listen, and that is not set\n");
    let server = store.serve_with(|command| {
        command
            .env("ROLLBOOK_METRICS_LISTEN", "127.0.0.1:0")
            .env("ROLLBOOK_TLS_CERTIFICATE", &pair.certificate)
            .env("ROLLBOOK_TLS_KEY", &pair.key);
    });
    let log = server.log();
    let (_, rest) = log.split_once("metrics=").expect("where metrics are served");
    let metrics = rest.split([' ', '\n']).next().expect("an address");
    let printed = health(&store.directory, &format!("{files}metrics_listen = \"{metrics}\"\n"), &["--ready"]);
    assert_eq!((printed.code, printed.out.as_str()), (Some(0), "ready\n"), "{}", printed.err);
}
