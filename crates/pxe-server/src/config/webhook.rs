//! `[[webhook]]`: whom to tell of what.

use std::path::PathBuf;

use super::reader::{Located, Section};

/// Receivers; each has a thread and a queue.
pub const WEBHOOKS_MAX: usize = 16;

/// One `[[webhook]]`.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Where to.
    pub url: Located<String>,
    /// Words of the stages that are told; empty: every step and every trouble.
    pub stages: Vec<Located<String>>,
    /// What the signature is made with.
    pub secret: Option<String>,
    /// File that has it instead, and that nobody but its owner may read.
    pub secret_file: Option<Located<PathBuf>>,
    /// File of the certificate authorities that the receiver's certificate may come from (PEM), instead of those that the
    /// system trusts.
    pub ca: Option<Located<PathBuf>>,
}

/// A secret has no place in a log.
impl core::fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WebhookConfig")
            .field("url", &self.url)
            .field("stages", &self.stages)
            .field("secret", &self.secret.as_ref().map(|_| "…"))
            .field("secret_file", &self.secret_file)
            .field("ca", &self.ca)
            .finish()
    }
}

pub(super) fn read(root: &Section<'_, '_>) -> Vec<WebhookConfig> {
    let sections = root.sections("webhook");
    if let Some(one_too_many) = sections.get(WEBHOOKS_MAX) {
        let problem = format!("there are more than {WEBHOOKS_MAX} of them");
        let remedy = "let one receiver pass the events on to others";
        one_too_many.fault(one_too_many.line, "url", problem, remedy);
    }
    sections.into_iter().filter_map(one).collect()
}

fn one(section: Section<'_, '_>) -> Option<WebhookConfig> {
    let url = section.string("url");
    if url.is_none() && !section.has("url") {
        let remedy = "url = \"https://example.org/pxe\"";
        section.fault(section.line, "url", "a webhook needs its URL".to_owned(), remedy);
    }
    if let Some(Located { value, line }) = &url
        && let Some(problem) = unusable(value)
    {
        section.fault(*line, "url", problem, "url = \"https://example.org/pxe\"");
    }
    let stages = section.strings("stages").unwrap_or_default();
    for Located { value, line } in &stages {
        if !crate::engine::STAGE_WORDS.contains(&&**value) {
            let problem = format!("{value:?} is no stage");
            let remedy = format!("one of {}", crate::engine::STAGE_WORDS.join(", "));
            section.fault(*line, "stages", problem, &remedy);
        }
    }
    let secret = section.string("secret");
    if let Some(Located { value, line }) = &secret
        && !is_usable_secret(value)
    {
        let problem = "what follows whsec_ is not base64".to_owned();
        section.fault(
            *line,
            "secret",
            problem,
            "take it as the receiver shows it, or any other text",
        );
    }
    let path = |file: Located<String>| Located { value: file.value.into(), line: file.line };
    let secret_file = section.string("secret_file").map(path);
    if let (Some(_), Some(file)) = (&secret, &secret_file) {
        let problem = "there is a secret beside it".to_owned();
        section.fault(file.line, "secret_file", problem, "keep one of the two");
    }
    let ca = section.string("ca").map(path);
    if let (Some(file), Some(url)) = (&ca, &url)
        && url.value.starts_with("http:")
    {
        let problem = "is of no use without TLS".to_owned();
        section.fault(file.line, "ca", problem, "begin the URL with https://, or remove the key");
    }
    section.finish();
    let secret = secret.map(|secret| secret.value);
    Some(WebhookConfig { url: url?, stages, secret, secret_file, ca })
}

#[cfg(feature = "http")]
fn unusable(url: &str) -> Option<String> {
    match url::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => None,
        Ok(_) => Some(format!("{url:?} is no http or https URL")),
        Err(error) => Some(format!("{url:?} is no URL: {error}")),
    }
}

#[cfg(not(feature = "http"))]
fn unusable(_: &str) -> Option<String> {
    Some("this program was built without HTTP; the feature \"http\" is on by default".to_owned())
}

#[cfg(feature = "http")]
fn is_usable_secret(text: &str) -> bool {
    crate::webhook::key(text).is_some()
}

#[cfg(not(feature = "http"))]
fn is_usable_secret(_: &str) -> bool {
    true
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use super::super::Config;

    #[test]
    fn webhooks_are_read_and_faults_have_their_lines() {
        let text = "[[webhook]]\nurl = \"https://x/a\"\nstages = [\"booted\", \"failed\"]\n\
                    secret = \"top\"\n[[webhook]]\nurl = \"http://y\"\n";
        let hooks = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}")).webhooks;
        assert_eq!((hooks.len(), hooks[0].stages.len()), (2, 2));
        assert!(!format!("{hooks:?}").contains("top"), "{hooks:?}");
        let text = "[[webhook]]\nstages = [\"boot\"]\n[[webhook]]\nurl = \"ftp://x\"\n\
                    secret = \"whsec_%\"\nsecret_file = \"x\"\n[[webhook]]\nurl = \"http://x\"\nca = \"ca.pem\"\n";
        let faults = Config::parse(text).expect_err("faults");
        let found: Vec<_> = faults.list.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
        let expected = [
            (1, "webhook[1].url"),
            (2, "webhook[1].stages"),
            (4, "webhook[2].url"),
            (5, "webhook[2].secret"),
            (6, "webhook[2].secret_file"),
            (9, "webhook[3].ca"),
        ];
        assert_eq!(found, expected, "{faults}");
        assert!(faults.to_string().contains("discovered"), "{faults}");
        let many = "[[webhook]]\nurl = \"http://y\"\n".repeat(super::WEBHOOKS_MAX + 1);
        assert_eq!(Config::parse(&many).expect_err("a fault").list.len(), 1);
    }
}
