//! `rollbook completions` and `rollbook man`: made from the same arguments that the program reads.

use std::path::PathBuf;

use clap_complete::Shell;
use clap_mangen::Man;

use super::{Result, command, write};

#[derive(Debug, clap::Args)]
pub struct CompletionsArguments {
    /// Shell to complete for
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub struct ManArguments {
    /// Directory for the pages of all commands [default: print one page]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the completions of a shell.
pub fn completions(arguments: &CompletionsArguments) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "rollbook", &mut script);
    write(&script);
    Ok(())
}

/// Prints the page of the program, or writes the pages of all commands.
pub fn man(arguments: &ManArguments) -> Result {
    let Some(directory) = &arguments.dir else {
        let mut page = Vec::new();
        Man::new(command()).render(&mut page).map_err(|error| error.to_string())?;
        write(&page);
        return Ok(());
    };
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(command(), directory).map_err(failed)
}
