//! `boot_api`: the URL of an inventory, or a table with more about it.

use core::ops::RangeInclusive;
use core::time::Duration;

use super::reader::{Located, Section};

/// Seconds to wait for an answer: firmware repeats its request after four, and gives up after a minute.
const TIMEOUT_SECONDS: RangeInclusive<i64> = 1..=30;
/// Seconds that an answer is used again.
const CACHE_SECONDS: RangeInclusive<i64> = 1..=3_600;

/// `boot_api`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootApiConfig {
    /// The URL as it was written.
    pub url: Located<String>,
    /// The URL of its version 1, without a slash at its end.
    #[cfg(feature = "http")]
    pub base: url::Url,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// How long an answer is used again: one boot asks several times.
    pub cache: Duration,
}

impl BootApiConfig {
    /// Default of `timeout`.
    pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(3);
    /// Default of `cache`.
    pub const CACHE_DEFAULT: Duration = Duration::from_secs(10);
}

pub(super) fn read(root: &Section<'_, '_>) -> Option<BootApiConfig> {
    if !root.is_table("boot_api") {
        return api(root, "boot_api", root.string("boot_api")?, None, None);
    }
    let section = root.section("boot_api");
    let url = section.string("url");
    let timeout = seconds(&section, "timeout", TIMEOUT_SECONDS);
    let cache = seconds(&section, "cache", CACHE_SECONDS);
    if url.is_none() && !section.has("url") {
        let remedy = "url = \"http://inventory.example:4242\"";
        section.fault(section.line, "url", "the inventory needs its URL".to_owned(), remedy);
    }
    let read = url.and_then(|url| api(&section, "url", url, timeout, cache));
    section.finish();
    read
}

fn seconds(
    section: &Section<'_, '_>,
    name: &'static str,
    range: RangeInclusive<i64>,
) -> Option<Duration> {
    let seconds = section.integer(name, range)?;
    Some(Duration::from_secs(u64::try_from(seconds).ok()?))
}

#[cfg(feature = "http")]
fn api(
    section: &Section<'_, '_>,
    key: &str,
    url: Located<String>,
    timeout: Option<Duration>,
    cache: Option<Duration>,
) -> Option<BootApiConfig> {
    let base = format!("{}/v1", url.value.trim_end_matches('/'));
    let problem = match url::Url::parse(&base) {
        Ok(base) if matches!(base.scheme(), "http" | "https") && base.query().is_none() => {
            let timeout = timeout.unwrap_or(BootApiConfig::TIMEOUT_DEFAULT);
            let cache = cache.unwrap_or(BootApiConfig::CACHE_DEFAULT);
            return Some(BootApiConfig { url, base, timeout, cache });
        }
        Ok(base) => {
            let why = if base.query().is_some() { "it has a query" } else { base.scheme() };
            format!("{:?} is no http or https URL without a query: {why}", url.value)
        }
        Err(error) => format!("{:?} is no URL: {error}", url.value),
    };
    section.fault(url.line, key, problem, "boot_api = \"http://inventory.example:4242\"");
    None
}

#[cfg(not(feature = "http"))]
fn api(
    section: &Section<'_, '_>,
    key: &str,
    url: Located<String>,
    _: Option<Duration>,
    _: Option<Duration>,
) -> Option<BootApiConfig> {
    let problem = "this program was built without HTTP".to_owned();
    section.fault(
        url.line,
        key,
        problem,
        "build it with the feature \"http\", which is on by default",
    );
    None
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn a_url_or_a_table_is_read() {
        let parse = |text: &str| Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        let api = parse("boot_api = \"http://192.0.2.9:4242/\"\n").boot_api.expect("one");
        assert_eq!(api.base.as_str(), "http://192.0.2.9:4242/v1");
        assert_eq!((api.timeout, api.cache), (Duration::from_secs(3), Duration::from_secs(10)));
        let text = "[boot_api]\nurl = \"https://x/api\"\ntimeout = 5\ncache = 60\n";
        let api = parse(text).boot_api.expect("one");
        assert_eq!(api.base.as_str(), "https://x/api/v1");
        assert_eq!((api.timeout, api.cache), (Duration::from_secs(5), Duration::from_secs(60)));
        assert!(parse("").boot_api.is_none());
    }

    #[test]
    fn faults_have_their_lines_and_keys() {
        for (text, found) in [
            ("boot_api = \"inventory\"\n", (1, "boot_api")),
            ("boot_api = \"ftp://x/\"\n", (1, "boot_api")),
            ("boot_api = \"http://x/?a=1\"\n", (1, "boot_api")),
            ("boot_api = 7\n", (1, "boot_api")),
            ("[boot_api]\ntimeout = 5\n", (1, "boot_api.url")),
            ("[boot_api]\nurl = \"http://x\"\ntimeout = 0\n", (3, "boot_api.timeout")),
            ("[boot_api]\nurl = \"http://x\"\nretries = 1\n", (3, "boot_api.retries")),
        ] {
            let faults = Config::parse(text).expect_err(text);
            let list: Vec<_> = faults.list.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
            assert_eq!(list, [found], "{faults}");
        }
    }
}
