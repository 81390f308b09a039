//! `token`: makes, lists and removes tokens.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::tokens::{Role, TOKENS_MAX, TokenFile, make};
use crate::config::Config;
use crate::serve::{EXIT_CONFIG, EXIT_MACHINE};

const EXAMPLES: &str = "\
Examples:
  For a person who may change things, and for a program that only looks:
    sudo -u pxe-server pxe-server --config /etc/pxe-server/pxe-server.toml token add anna --role admin
    sudo -u pxe-server pxe-server --config /etc/pxe-server/pxe-server.toml token add prometheus
  The page asks for the token; programs send it with each request:
    curl -H 'Authorization: Bearer pxe_anna_…' http://192.0.2.5:8081/api/v1/machines

On this computer itself the page asks for none until there is one. The server need not be started anew.";

/// Options of `token`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct TokenOptions {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Make a token and print it, once: only its hash is kept
    Add {
        /// Whose it is; shown beside what it changed
        name: String,
        /// What its owner may do
        #[arg(long, value_enum, default_value_t = Role::Read)]
        role: Role,
    },
    /// Show who has a token
    List,
    /// Make a token worthless, at once
    Remove {
        /// Whose, as `list` shows it
        name: String,
    },
}

/// Does it; prints why not.
pub fn run(options: &TokenOptions, config: &Config) -> ExitCode {
    match act(&options.action, &TokenFile::of(config)) {
        Ok((said, note)) => {
            print!("{said}");
            if !note.is_empty() {
                eprintln!("{note}");
            }
            ExitCode::SUCCESS
        }
        Err((code, why)) => {
            eprintln!("{why}");
            ExitCode::from(code)
        }
    }
}

/// What is said to programs, and what only to people.
fn act(action: &Action, file: &TokenFile) -> Result<(String, String), (u8, String)> {
    let mut tokens = file.load().map_err(|why| (EXIT_CONFIG, why))?;
    let store = |tokens: &[_]| {
        let stored = file.store(tokens);
        let why = |error| format!("{} cannot be written: {error}", file.path().display());
        stored.map_err(|error| (EXIT_MACHINE, why(error)))
    };
    match action {
        Action::List => {
            let line =
                |token: &super::tokens::Token| format!("{:<32} {}\n", token.name, token.role);
            let none = "nobody has a token: pxe-server token add NAME makes one";
            let note = if tokens.is_empty() { none } else { "" };
            Ok((tokens.iter().map(line).collect(), note.to_owned()))
        }
        Action::Add { name, role } => {
            if tokens.iter().any(|token| token.name == *name) {
                let why = format!("{name} has a token; remove it first, or choose another name");
                return Err((EXIT_CONFIG, why));
            }
            if tokens.len() >= TOKENS_MAX {
                return Err((EXIT_CONFIG, format!("there are {TOKENS_MAX} tokens already")));
            }
            let (text, token) = make(name, *role).map_err(|why| (EXIT_CONFIG, why))?;
            tokens.push(token);
            store(&tokens)?;
            let may = match role {
                Role::Read => "look (--role admin: change things, too)",
                Role::Admin => "look and change things",
            };
            Ok((format!("{text}\n"), format!("{name} may {may}; keep it, it is shown this once")))
        }
        Action::Remove { name } => {
            let before = tokens.len();
            tokens.retain(|token| token.name != *name);
            if tokens.len() == before {
                return Err((EXIT_CONFIG, format!("{name} has no token")));
            }
            store(&tokens)?;
            Ok((String::new(), format!("the token of {name} is worth nothing any more")))
        }
    }
}
