//! What is shipped under `ops/`: that each file names what is there, and that the program takes what they give it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::process::{program, run};
use crate::python;

const DOCKERFILE: &str = include_str!("../../ops/Dockerfile");
const COMPOSE: &str = include_str!("../../ops/compose.yml");
const NGINX: &str = include_str!("../../ops/nginx.conf");
const UNIT: &str = include_str!("../../ops/rollbook.service");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The instructions of the Dockerfile, without comments, each on one line.
fn instructions() -> Vec<(&'static str, String)> {
    let lines = DOCKERFILE.lines().filter(|line| !line.trim_start().starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let (word, rest) = line.split_once(' ').expect("an instruction");
        let word = ["FROM", "WORKDIR", "COPY", "RUN", "VOLUME", "ENV", "EXPOSE", "USER", "STOPSIGNAL"]
            .into_iter()
            .chain(["HEALTHCHECK", "ENTRYPOINT", "CMD"])
            .find(|known| *known == word)
            .unwrap_or_else(|| panic!("an instruction that this test does not know: {word}"));
        (word, rest.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    lines.collect()
}

fn of(word: &str) -> Vec<String> {
    instructions().into_iter().filter(|(name, _)| *name == word).map(|(_, rest)| rest).collect()
}

/// A JSON array of words, as CMD and its like have it.
fn words(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("an array of words: {text}"))
}

/// That the program knows the command and every flag of it.
fn is_taken(arguments: &[String]) {
    // With --help behind it a command reads what stands before, refuses what it does not know, and does nothing.
    let printed = run(program().args(arguments).arg("--help"));
    assert_eq!(printed.code, Some(0), "{arguments:?}: {}", printed.err);
    assert_eq!(run(program().args(arguments).args(["--no-such-flag", "--help"])).code, Some(2));
}

/// The settings, by the names of their variables.
fn variables() -> BTreeSet<String> {
    let printed = run(program().arg("config")).out;
    let keys =
        printed.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    keys.map(|(key, _)| format!("ROLLBOOK_{}", key.to_uppercase())).collect()
}

/// The words of a text that look like a variable of ours.
fn named(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("ROLLBOOK_").map(|(start, _)| &text[start..]);
    let end = |text: &str| text.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(text.len());
    starts.map(|text| text[..end(text)].to_owned()).collect()
}

#[test]
fn the_dockerfile_copies_what_is_there_and_starts_what_the_program_takes() {
    let froms = of("FROM");
    let rust = run(Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root()));
    let manifest: Value = serde_json::from_str(&rust.out).expect("metadata");
    let least = manifest["packages"][0]["rust_version"].as_str().expect("a version");
    assert_eq!(froms[0], format!("rust:{least}-bookworm AS build"), "the toolchain that Cargo.toml asks for");
    assert!(froms[1].ends_with(":nonroot") && froms.len() == 2, "{froms:?}");

    // Whatever the program is built from is copied: all but what is left out by name.
    let copies = of("COPY");
    assert_eq!(copies[0], ". .");
    let ignored = include_str!("../../ops/Dockerfile.dockerignore");
    for source in ["Cargo.toml", "Cargo.lock", "src/main.rs", "rollbook.toml", "crates", "docs"] {
        assert!(root().join(source).exists(), "{source}");
        assert!(!ignored.lines().any(|line| line == source), "{source}");
    }
    let made = of("RUN").join("\n");
    for copy in &copies[1..] {
        let source = copy.split(' ').rev().nth(1).expect("a source");
        assert!(copy.starts_with("--from=build "), "{copy}");
        assert!(made.contains(&format!("{source}\n")) || made.ends_with(source), "{source} is made: {made}");
    }

    let entry = words(&of("ENTRYPOINT")[0]);
    assert_eq!(entry, ["/usr/bin/rollbook"]);
    assert!(copies.iter().any(|copy| copy.ends_with(" /usr/bin/rollbook")), "{copies:?}");
    is_taken(&words(&of("CMD")[0]));
    let (_, check) =
        of("HEALTHCHECK")[0].split_once(" CMD ").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a check");
    let check = words(&check);
    assert_eq!(check[0], entry[0]);
    is_taken(&check[1..]);

    let known = variables();
    for variable in named(DOCKERFILE) {
        assert!(known.contains(&variable), "{variable}");
    }
    assert_eq!(of("USER"), ["65532:65532"], "not root");
    assert_eq!(of("VOLUME"), ["/var/lib/rollbook"]);
    assert!(
        of("ENV")[0].contains("ROLLBOOK_DATABASE=/var/lib/rollbook/"),
        "what it writes lies in the volume"
    );
}

/// A YAML file, read by the parser of the Python environment.
fn yaml(path: &Path) -> Value {
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let printed = run(python::program("python").args(["-c", script]).arg(path));
    assert_eq!(printed.code, Some(0), "{}: {}", path.display(), printed.err);
    serde_json::from_str(&printed.out).expect("JSON")
}

#[test]
fn the_compose_file_runs_the_program_hardened_and_with_settings_that_are_there() {
    let compose = yaml(&root().join("ops/compose.yml"));
    let service = &compose["services"]["rollbook"];
    assert_eq!(service["read_only"], true);
    assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]));
    assert_eq!(service["security_opt"], serde_json::json!(["no-new-privileges:true"]));
    let build = root().join("ops").join(service["build"]["context"].as_str().expect("a context"));
    assert!(build.join(service["build"]["dockerfile"].as_str().expect("a file")).exists());
    let check: Vec<String> = serde_json::from_value(service["healthcheck"]["test"].clone()).expect("words");
    assert_eq!(check[..2], ["CMD", "/usr/bin/rollbook"]);
    is_taken(&check[2..]);
    let known = variables();
    for variable in named(COMPOSE) {
        assert!(known.contains(&variable), "{variable}");
    }
    let volumes = compose["services"]["database"]["volumes"][0].as_str().expect("a volume");
    assert!(compose["volumes"].get(volumes.split(':').next().expect("a name")).is_some(), "{volumes}");
}

#[test]
fn the_kubernetes_files_run_the_program_hardened_and_with_settings_that_are_there() {
    let folder = root().join("ops/kubernetes");
    let set = yaml(&folder.join("base/statefulset.yaml"));
    assert_eq!(set["spec"]["replicas"], 1, "one process serves a store in files");
    let pod = &set["spec"]["template"]["spec"];
    // Kubernetes would set variables of its own for the service, and the program rejects unknown settings.
    assert_eq!(pod["enableServiceLinks"], false);
    assert_eq!(pod["automountServiceAccountToken"], false);
    let user = of("USER")[0].split(':').map(|id| id.parse::<u64>().expect("a number")).collect::<Vec<_>>();
    let context = &pod["securityContext"];
    assert_eq!(context["runAsNonRoot"], true);
    for (key, id) in [("runAsUser", user[0]), ("runAsGroup", user[1]), ("fsGroup", user[1])] {
        assert_eq!(context[key], id, "{key} is that of the image");
    }
    let container = &pod["containers"][0];
    let context = &container["securityContext"];
    assert_eq!(
        (&context["readOnlyRootFilesystem"], &context["allowPrivilegeEscalation"]),
        (&true.into(), &false.into())
    );
    assert_eq!(context["capabilities"]["drop"], serde_json::json!(["ALL"]));
    assert_eq!(container["volumeMounts"][0]["mountPath"], of("VOLUME")[0]);
    for (probe, path) in
        [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
    {
        assert_eq!(
            container[probe]["httpGet"],
            serde_json::json!({ "path": path, "port": "metrics" }),
            "{probe}"
        );
    }
    let ports = container["ports"].as_array().expect("ports").iter();
    let ports: Vec<_> = ports.map(|port| port["containerPort"].to_string()).collect();
    assert_eq!(ports.join(" "), of("EXPOSE")[0]);
    let nodes = yaml(&folder.join("postgresql/nodes.yaml"));
    let known = variables();
    for container in [container, &nodes["spec"]["template"]["spec"]["containers"][0]] {
        for variable in container["env"].as_array().expect("variables") {
            let name = variable["name"].as_str().expect("a name");
            assert!(known.contains(name), "{name}");
        }
    }
}

#[test]
fn the_alert_rules_are_yaml_and_each_is_explained() {
    let alerts = yaml(&root().join("ops/alerts.yml"));
    let guide = std::fs::read_to_string(root().join("docs/operations.md")).expect("the guide");
    let rules = alerts["groups"][0]["rules"].as_array().expect("rules");
    assert!(rules.len() > 5, "{rules:?}");
    for rule in rules {
        let name = rule["alert"].as_str().expect("a name");
        assert!(
            guide.contains(&format!("**{name}**")),
            "docs/operations.md does not say what to do on {name}"
        );
        for key in ["summary", "description"] {
            assert!(rule["annotations"][key].is_string(), "{name}: {key}");
        }
    }
}

#[test]
fn the_unit_starts_what_the_program_takes_and_is_locked_in() {
    let value = |key: &str| {
        let line = UNIT.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("{key} is set"))
    };
    let start: Vec<String> = value("ExecStart").split(' ').map(str::to_owned).collect();
    assert_eq!(start[0], "/usr/bin/rollbook");
    is_taken(&start[1..]);
    assert_eq!((value("User"), value("StateDirectory")), ("rollbook", "rollbook"));
    // No core with people's data; not all of the memory; no start by itself on files that were moved away.
    assert_eq!((value("LimitCORE"), value("MemoryMax")), ("0", "80%"));
    assert_eq!(value("RestartPreventExitStatus"), "72");

    // Judged as systemd itself judges it: of 10, the less the better; a plain service has more than 9.
    let unit = root().join("ops/rollbook.service");
    let mut judge = Command::new("systemd-analyze");
    judge.args(["security", "--offline=true", "--no-pager", "--threshold=15"]).arg(unit);
    let judged = run(&mut judge);
    assert_eq!(judged.code, Some(0), "{}{}", judged.out, judged.err);

    // What the shipped configuration says is what the program takes, and lies where the unit lets it write.
    let file = root().join("ops/rollbook.toml");
    let settings = std::fs::read_to_string(&file).expect("the file");
    assert!(settings.contains("\ndatabase = \"/var/lib/rollbook/rollbook.db\"\n"), "{settings}");
    assert!(settings.contains("\nlisten = \"127.0.0.1:"), "{settings}");
    let asked =
        run(program().arg("health").arg("--config").arg(&file).env("ROLLBOOK_METRICS_LISTEN", "127.0.0.1:9"));
    assert!(asked.err.starts_with("rollbook: no answer of a server at 127.0.0.1:9: "), "{}", asked.err);
}

/// The directives of ops/nginx.conf with this name.
fn nginx(name: &str) -> Vec<&'static str> {
    let lines = NGINX.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.strip_suffix(';'))
        .map(str::trim)
        .collect()
}

fn setting(key: &str) -> u64 {
    let file = run(program().arg("config")).out;
    let value = file.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{key} is a number"))
}

#[test]
fn nginx_says_whose_request_it_is_and_lets_imports_through() {
    let headers = nginx("proxy_set_header");
    assert!(headers.contains(&"X-Forwarded-For $proxy_add_x_forwarded_for"), "{headers:?}");
    assert!(headers.contains(&"Host $host"), "{headers:?}");
    // Headers are inherited by places that set none of their own.
    let (_, places) = NGINX.split_once("location / {").expect("the places");
    assert!(!places.contains("proxy_set_header"), "{places}");
    // BREACH: what is safe to compress is compressed by the server.
    assert_eq!(nginx("gzip"), ["off"]);
    let sizes: Vec<u64> = nginx("client_max_body_size")
        .into_iter()
        .map(|size| size.strip_suffix('m').and_then(|size| size.parse().ok()).expect("a size in MiB"))
        .collect();
    let [bodies, files] = sizes[..] else { panic!("of bodies and of files: {sizes:?}") };
    assert!(bodies << 20 > setting("max_body_bytes"), "{bodies}");
    assert!(files > setting("max_upload_mib"), "{files}");
    assert!(NGINX.contains("location ~ ^/lists/[^/]+/import$ {"), "where the page sends files");
    // Each closes its idle connections before the server does (see `limits`).
    let idle = nginx("keepalive_timeout")[0].strip_suffix('s').and_then(|time| time.parse::<u64>().ok());
    assert!(idle.is_some_and(|seconds| seconds < 90), "{idle:?}");
}
