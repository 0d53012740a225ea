//! The program: see `rollbook --help`.

fn main() -> std::process::ExitCode {
    rollbook::cli::main()
}
