//! Templates, and how much they may do.

use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::escape::text;
use super::{Kind, Menu, model};
use crate::limits::{MENU_BYTES_MAX, TEMPLATE_BYTES_MAX, TEMPLATE_STEPS_MAX};

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
#[non_exhaustive]
pub struct TemplateFault {
    /// The line, from 1, if one is to blame.
    pub line: Option<usize>,
    /// What is wrong there.
    pub problem: String,
}

/// Why there is no menu.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MenuFault {
    /// The template failed with what it was given.
    #[error("the template of {kind}, line {}: {}", .fault.line.unwrap_or(0), .fault.problem)]
    Template {
        /// Which template.
        kind: Kind,
        /// What went wrong.
        fault: TemplateFault,
    },
    /// The text would be longer than [`MENU_BYTES_MAX`].
    #[error("the menu is longer than {MENU_BYTES_MAX} bytes")]
    TooLong,
}

/// Writes menus.
#[derive(Debug)]
pub struct Renderer {
    environment: Environment<'static>,
}

impl Default for Renderer {
    fn default() -> Self {
        Self::new()
    }
}

impl Renderer {
    /// With the built-in templates.
    #[must_use]
    pub fn new() -> Self {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build();
        if let Ok(syntax) = syntax {
            environment.set_syntax(syntax);
        }
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(TEMPLATE_STEPS_MAX));
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        // Whatever a template prints is cleaned, unless it was put together here.
        environment.set_formatter(|output, _, value| {
            match value.as_str() {
                Some(own) if value.is_safe() => output.write_str(own)?,
                Some(raw) => output.write_str(&text(raw))?,
                None if value.is_none() || value.is_undefined() => {}
                None => write!(output, "{value}")?,
            }
            Ok(())
        });
        let mut renderer = Self { environment };
        for kind in Kind::ALL {
            // A test renders each of them.
            let _ = renderer.put(kind, built_in(kind).to_owned());
        }
        renderer
    }

    /// With another template of this kind: Jinja, with the variables of docs/menus.md.
    ///
    /// Every text that it prints is cleaned of what the loader could take for syntax, and shortened to
    /// [`crate::limits::TEXT_CHARS_MAX`] characters; URLs and command lines were checked before and come as they are. It
    /// may do [`TEMPLATE_STEPS_MAX`] steps and write [`MENU_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// What is wrong with it, and where: it is tried with sample menus.
    pub fn with_template(mut self, kind: Kind, template: &str) -> Result<Self, TemplateFault> {
        if template.len() > TEMPLATE_BYTES_MAX {
            let problem = format!("it is longer than {TEMPLATE_BYTES_MAX} bytes");
            return Err(TemplateFault { line: None, problem });
        }
        self.put(kind, template.to_owned())?;
        for sample in super::sample::menus(kind) {
            self.render(kind, &sample).map_err(|fault| match fault {
                MenuFault::Template { fault, .. } => fault,
                MenuFault::TooLong => TemplateFault { line: None, problem: fault.to_string() },
            })?;
        }
        Ok(self)
    }

    fn put(&mut self, kind: Kind, template: String) -> Result<(), TemplateFault> {
        let added = self.environment.add_template_owned(kind.file_name(), template);
        added.map_err(|error| fault(&error))
    }

    /// The text for whoever asks.
    ///
    /// # Errors
    /// A template of the user's does something that does not work with this menu.
    pub fn render(&self, kind: Kind, menu: &Menu<'_>) -> Result<String, MenuFault> {
        let failed = |error: &Error| MenuFault::Template { kind, fault: fault(error) };
        let template = self.environment.get_template(kind.file_name());
        let template = template.map_err(|error| failed(&error))?;
        let mut written = Bounded { bytes: Vec::new(), is_full: false };
        let rendered = template.render_captured_to(model::of(menu, kind), &mut written);
        if written.is_full {
            return Err(MenuFault::TooLong);
        }
        rendered.map_err(|error| failed(&error))?;
        Ok(String::from_utf8_lossy(&written.bytes).into_owned())
    }
}

const fn built_in(kind: Kind) -> &'static str {
    match kind {
        Kind::Ipxe => include_str!("templates/menu.ipxe.j2"),
        Kind::Grub => include_str!("templates/grub.cfg.j2"),
        Kind::Pxelinux => include_str!("templates/pxelinux.cfg.j2"),
    }
}

fn fault(error: &Error) -> TemplateFault {
    let problem = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => {
            format!("it takes more than {TEMPLATE_STEPS_MAX} steps: does it loop too often?")
        }
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    TemplateFault { line: error.line(), problem }
}

/// A text that cannot grow without end.
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(bytes.len()) > MENU_BYTES_MAX {
            self.is_full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
