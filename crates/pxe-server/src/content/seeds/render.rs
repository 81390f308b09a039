//! One template filled in, by minijinja: strict about what is not defined, and bounded in time and size.

use std::collections::BTreeMap;
use std::io::{self, Write};

use cap_std::fs::Dir;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::{
    Machine, SEED_BYTES_MAX, SeedError, SeedFacts, TEMPLATE_STEPS_MAX, is_plain, template,
};
use crate::config::Variable;
use crate::engine::hyphenated;

/// Everything that a template can name.
pub(super) struct Known<'a> {
    pub(super) facts: &'a SeedFacts,
    pub(super) machine: &'a Machine,
    pub(super) secrets: BTreeMap<&'a str, &'a str>,
}

impl Known<'_> {
    fn value(&self) -> Value {
        let SeedFacts { mac, address, server, origin, token, done } = self.facts;
        let machine = hyphenated(*mac);
        let vars = self.machine.vars.iter().map(|(name, value)| (name.clone(), self::value(value)));
        let mut known: BTreeMap<&'static str, Value> = [
            ("mac", machine.replace('-', ":")),
            ("mac_hyphens", machine.clone()),
            ("address", address.to_string()),
            ("server", server.clone()),
            ("boot", format!("{origin}/boot/")),
            ("images", format!("{origin}/images/")),
            ("seed", format!("{origin}/seed/{machine}/{token}/")),
            ("done", format!("{origin}/done?mac={machine}&token={done}")),
        ]
        .map(|(name, text)| (name, Value::from(text)))
        .into();
        if let Some(hostname) = &self.machine.hostname {
            known.insert("hostname", Value::from(hostname.as_str()));
        }
        known.insert("vars", Value::from(vars.collect::<BTreeMap<String, Value>>()));
        let secrets =
            self.secrets.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text)));
        known.insert("secrets", Value::from(secrets.collect::<BTreeMap<String, Value>>()));
        Value::from(known)
    }
}

fn value(variable: &Variable) -> Value {
    match variable {
        Variable::Text(text) => Value::from(text.as_str()),
        Variable::Number(number) => Value::from(*number),
        Variable::Truth(truth) => Value::from(*truth),
        Variable::List(list) => list.iter().map(|text| Value::from(text.as_str())).collect(),
    }
}

/// Fills in the template `text`, called `name`; what it includes is in `folder`.
pub(super) fn render(
    folder: Dir,
    name: &str,
    text: &str,
    known: Known<'_>,
) -> Result<String, SeedError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(TEMPLATE_STEPS_MAX));
    // Lines of statements alone leave nothing behind, as people know it from Ansible.
    let syntax = SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    environment.set_syntax(syntax.map_err(|error| SeedError::Failed(error.to_string()))?);
    environment.set_debug(true);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".xml") { AutoEscape::Html } else { AutoEscape::None }
    });
    environment.set_loader(move |name| {
        if !is_plain(name) {
            let detail = format!("{name:?} is no name beneath the folder of seeds");
            return Err(Error::new(ErrorKind::InvalidOperation, detail));
        }
        template(&folder, name)
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
    });
    let mut out = Bounded(Vec::new());
    let made = environment
        .template_from_named_str(name, text)
        .and_then(|template| template.render_captured_to(known.value(), &mut out).map(drop));
    made.map_err(|error| SeedError::Failed(describe(name, &error)))?;
    String::from_utf8(out.0).map_err(|error| SeedError::Failed(format!("{name}: {error}")))
}

/// File, line and expression of a fault. Values are never in it: they may be secrets.
fn describe(name: &str, error: &Error) -> String {
    let mut place = error.name().unwrap_or(name).to_owned();
    if let Some(line) = error.line() {
        place = format!("{place}, line {line}");
    }
    let mut words = error.kind().to_string();
    if let (ErrorKind::UndefinedError, Some(source), Some(range)) =
        (error.kind(), error.template_source(), error.range())
    {
        let expression = source.get(range).unwrap_or_default();
        words = format!("`{}` is not defined", expression.trim());
    } else if let Some(detail) = error.detail() {
        words = format!("{words}: {detail}");
    }
    if let Some(cause) = std::error::Error::source(error) {
        words = format!("{words}: {cause}");
    }
    format!("{place}: {words}")
}

/// Takes so many bytes and no more.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > SEED_BYTES_MAX {
            let problem = format!("it makes more than {SEED_BYTES_MAX} bytes");
            return Err(io::Error::other(problem));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
