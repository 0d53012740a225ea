//! What the fuzzer has found worth keeping goes through the same functions again.

use std::path::Path;

#[path = "../../fuzz/src/targets.rs"]
mod targets;

/// A name, and what the fuzzer does with bytes under it.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 3] =
    [("body", targets::body), ("table", targets::table), ("journal", targets::journal)];

#[test]
fn all_that_the_fuzzer_has_kept_is_read_without_a_fault() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut bytes = 0;
    for (name, target) in TARGETS {
        let mut count = 0;
        for entry in std::fs::read_dir(root.join(name)).expect("a corpus") {
            let path = entry.expect("an entry").path();
            let input = std::fs::read(&path).expect("an input");
            bytes += input.len();
            count += 1;
            // What fails is told by its name.
            let read = std::panic::catch_unwind(|| target(&input));
            assert!(read.is_ok(), "{}", path.display());
        }
        println!("{name}: {count} inputs");
        assert!(count > 10, "{name} has a corpus");
    }
    assert!(bytes < 1 << 20, "the corpus stays small: {bytes}");
}
