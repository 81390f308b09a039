//! The kernel's command line, as a text with `{{ URL "…" }}` in it or, as Pixiecore had it first, as an object.

use serde_json::Value;
use url::Url;

use super::answer::{absolute, kind};

/// The command line as it goes to the kernel.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(base: &Url, value: Option<&Value>) -> Result<String, String> {
    match value {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => expand(base, text),
        Some(Value::Object(parts)) => {
            // serde_json keeps the keys of an object in their order, as Pixiecore sorts them.
            let words: Result<Vec<String>, String> =
                parts.iter().map(|(key, value)| word(base, key, value)).collect();
            Ok(words?.join(" "))
        }
        Some(other) => Err(format!("cmdline is {}", kind(other))),
    }
}

fn word(base: &Url, key: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Bool(true) => Ok(key.to_owned()),
        Value::String(text) if text.contains(char::is_whitespace) => {
            Ok(format!("{key}=\"{text}\""))
        }
        Value::String(text) => Ok(format!("{key}={text}")),
        Value::Object(object) => match object.get("url").and_then(Value::as_str) {
            Some(url) => Ok(format!("{key}={}", absolute(base, "cmdline", url)?)),
            None => Err(format!("cmdline {key} is an object and has no url")),
        },
        other => Err(format!("cmdline {key} is {} and neither true nor a text", kind(other))),
    }
}

/// Fills in the URLs. Machines fetch by themselves what Pixiecore would fetch for them.
fn expand(base: &Url, text: &str) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        expanded.push_str(before);
        let unknown = || "cmdline has a {{ … }} that is not {{ URL \"…\" }}".to_owned();
        let (action, after) = after.split_once("}}").ok_or_else(unknown)?;
        let quoted = action.trim().strip_prefix("URL").ok_or_else(unknown)?.trim();
        // Go's texts in quotes are JSON's but for rare escapes.
        let url: String = serde_json::from_str(quoted).map_err(|_| unknown())?;
        expanded.push_str(&absolute(base, "cmdline", &url)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}
