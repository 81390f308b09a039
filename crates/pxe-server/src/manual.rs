//! `completions` and `man`: what a package installs beside the program, made of the command line itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;

/// The program's name.
const NAME: &str = "pxe-server";

/// What `completions` was asked for.
#[derive(Clone, Debug, Args)]
pub struct CompletionsOptions {
    /// For which shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// What `man` was asked for.
#[derive(Clone, Debug, Args)]
pub struct ManOptions {
    /// Write a page for each command into this folder, which is made
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// Prints the completions.
pub fn completions(options: &CompletionsOptions) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), NAME, &mut script);
    end(io::stdout().write_all(&script), Path::new("the output"))
}

/// Prints or writes the manual.
pub fn man(options: &ManOptions) -> ExitCode {
    let command = Cli::command();
    match &options.folder {
        None => end(Man::new(command).render(&mut io::stdout()), Path::new("the output")),
        Some(folder) => {
            let written = std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(command, folder));
            end(written, folder)
        }
    }
}

fn end(written: io::Result<()>, to: &Path) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads it has read enough: `pxe-server man | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: writing {}: {error}", to.display());
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_page_and_is_completed() {
        let folder = tempfile::tempdir().expect("a folder");
        let to = folder.path().join("man1");
        assert_eq!(man(&ManOptions { folder: Some(to.clone()) }), ExitCode::SUCCESS);
        let page = std::fs::read_to_string(to.join("pxe-server.1")).expect("the main page");
        assert!(page.contains(".TH pxe-server 1"), "{page}");
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut Cli::command(), NAME, &mut script);
        let script = String::from_utf8(script).expect("text");
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(to.join(format!("pxe-server-{name}.1")).is_file(), "{name}");
            assert!(script.contains(&format!(",{name})")), "{name}");
        }
    }
}
