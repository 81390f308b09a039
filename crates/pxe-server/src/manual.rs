//! `completions` and `man`: what a package installs beside the program, made of the command line itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;

/// The program's name.
const NAME: &str = "pxe-server";
/// Where the Debian package puts the rest.
const DOCUMENTATION: &str = "/usr/share/doc/pxe-server/README.md";

const OF_COMPLETIONS: &str = "\
Examples:
  pxe-server completions bash > ~/.local/share/bash-completion/completions/pxe-server
  pxe-server completions zsh > ~/.zfunc/_pxe-server        with fpath+=~/.zfunc before compinit in ~/.zshrc
  pxe-server completions fish > ~/.config/fish/completions/pxe-server.fish

The Debian package has them for these three shells.";

const OF_MAN: &str = "\
Examples:
  pxe-server man | man -l -                  reads it here
  pxe-server man --folder ./man1             writes pxe-server.1, pxe-server-serve.1 and so on";

/// What `completions` was asked for.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = OF_COMPLETIONS)]
pub struct CompletionsOptions {
    /// For which shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// What `man` was asked for.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = OF_MAN)]
pub struct ManOptions {
    /// Write a page for each command into this folder, which is made
    #[arg(long, value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
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
    let mut command = Cli::command().disable_help_subcommand(true);
    // Names of subcommands as they are called, and options that every command has.
    command.build();
    match &options.folder {
        None => {
            let text = page(command).map(|(_, text)| text);
            end(
                text.and_then(|text| io::stdout().write_all(text.as_bytes())),
                "the output".as_ref(),
            )
        }
        Some(folder) => {
            let written =
                std::fs::create_dir_all(folder).and_then(|()| write_pages(&command, folder));
            end(written, folder)
        }
    }
}

/// A page for this command and each beneath it.
fn write_pages(command: &Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands() {
        write_pages(below, folder)?;
    }
    let (name, text) = page(command.clone())?;
    std::fs::write(folder.join(name), text)
}

/// The name of a command's page, and its text.
fn page(command: Command) -> io::Result<(String, String)> {
    let is_main = command.get_name() == NAME;
    let man = Man::new(command);
    let mut text = Vec::new();
    man.render(&mut text)?;
    let text = String::from_utf8_lossy(&text).replace(".SH EXTRA", ".SH \"EXAMPLES AND NOTES\"");
    let others = if is_main { ".BR dnsmasq (8),\n.BR systemctl (1)" } else { ".BR pxe-server (1)" };
    let see = format!("{text}.SH \"SEE ALSO\"\n{others}, and {DOCUMENTATION}\n");
    Ok((man.get_filename(), see))
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
        assert!(page.contains("sudo pxe\\-server check"), "it teaches the first steps: {page}");
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut Cli::command(), NAME, &mut script);
        let script = String::from_utf8(script).expect("text");
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            let page = std::fs::read_to_string(to.join(format!("pxe-server-{name}.1")));
            let page = page.unwrap_or_else(|error| panic!("{name}: {error}"));
            for section in
                [".SH \"EXAMPLES AND NOTES\"\nExamples:", ".SH \"SEE ALSO\"\n.BR pxe-server (1)"]
            {
                let is_notes = name == "doctor" && section.contains("EXAMPLES");
                assert!(is_notes || page.contains(section), "{name} has no {section:?}:\n{page}");
            }
            assert!(script.contains(&format!(",{name})")), "{name}");
        }
    }
}
