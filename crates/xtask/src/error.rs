//! One error type for the commands: a text that says what failed and, where known, what to do.

use core::fmt::{self, Display};

/// A failure, worded for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure(String);

/// A result whose error is a [`Failure`].
pub(crate) type Result<T, E = Failure> = core::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Ends a function with a failure: `return fail(format!(…))`.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(Failure::new(message))
}

/// Puts what was being done in front of why it failed.
pub(crate) trait Context<T> {
    fn context(self, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Display> Context<T> for Result<T, E> {
    fn context(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|why| Failure(format!("{}: {why}", doing())))
    }
}
