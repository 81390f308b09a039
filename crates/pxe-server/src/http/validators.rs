//! Whether the copy that a client or a cache holds is still good (RFC 9110 section 13).

use core::hash::{BuildHasher, BuildHasherDefault};
use core::time::Duration;
use std::collections::hash_map::DefaultHasher;
use std::time::SystemTime;

use hyper::HeaderMap;
use hyper::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};

use crate::content::{Content, Stamp};

/// What tells the states of a file apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Validators {
    /// A strong entity tag, quotes included: another state of the file has another one.
    pub(super) etag: String,
    /// When it changed last, in whole seconds and never in the future; texts that are made up have no such time.
    pub(super) modified: Option<SystemTime>,
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered as if there were none.
    Go,
    /// 304: the client has it.
    NotModified,
    /// 412: it is another file by now.
    Failed,
}

impl Validators {
    pub(super) fn of(content: &Content, now: SystemTime) -> Self {
        match content.stamp() {
            Some(stamp) => Self::of_stamp(&stamp, now),
            None => {
                let text = content.bytes().map(|bytes| &bytes[..]).unwrap_or_default();
                // Keys of zero: the same text has the same tag in every run.
                let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(text);
                Self { etag: format!("\"{:x}-{hash:x}\"", text.len()), modified: None }
            }
        }
    }

    fn of_stamp(stamp: &Stamp, now: SystemTime) -> Self {
        let Stamp { digest: [device, inode, size], seconds, nanoseconds } = stamp;
        let etag = format!("\"{device:x}-{inode:x}-{size:x}-{seconds:x}.{nanoseconds:x}\"");
        let since = u64::try_from(*seconds).ok().map(Duration::from_secs);
        let modified = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        Self { etag, modified: modified.map(|modified| modified.min(now)) }
    }

    /// In the order of RFC 9110 section 13.2.2.
    pub(super) fn verdict(&self, headers: &HeaderMap) -> Verdict {
        if headers.contains_key(IF_MATCH) {
            if !self.is_listed(headers, &IF_MATCH, |tag| tag) {
                return Verdict::Failed;
            }
        } else if let Some(date) = date(headers, &IF_UNMODIFIED_SINCE)
            && self.modified.is_some_and(|modified| modified > date)
        {
            return Verdict::Failed;
        }
        if headers.contains_key(IF_NONE_MATCH) {
            let weak = |tag| strip(tag, b"W/");
            if self.is_listed(headers, &IF_NONE_MATCH, weak) {
                return Verdict::NotModified;
            }
        } else if let Some(date) = date(headers, &IF_MODIFIED_SINCE)
            && self.modified.is_some_and(|modified| modified <= date)
        {
            return Verdict::NotModified;
        }
        Verdict::Go
    }

    /// Whether a header `Range` counts: `If-Range` (section 13.1.5) asks for the whole file if it has changed.
    pub(super) fn ranges_count(&self, headers: &HeaderMap) -> bool {
        let Some(value) = headers.get(IF_RANGE) else { return true };
        let value = value.as_bytes().trim_ascii();
        if value.ends_with(b"\"") {
            return value == self.etag.as_bytes();
        }
        // A date is good only if it is exactly ours.
        let date = core::str::from_utf8(value).ok().and_then(parse_date);
        date.is_some() && date == self.modified
    }

    fn is_listed<'h>(
        &self,
        headers: &'h HeaderMap,
        name: &HeaderName,
        strip: impl Fn(&'h [u8]) -> &'h [u8],
    ) -> bool {
        let values = headers.get_all(name).iter();
        values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).any(|tag| {
            let tag = strip(tag.trim_ascii());
            tag == b"*" || tag == self.etag.as_bytes()
        })
    }
}

fn strip<'t>(tag: &'t [u8], prefix: &[u8]) -> &'t [u8] {
    tag.strip_prefix(prefix).unwrap_or(tag)
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    headers.get(name)?.to_str().ok().and_then(parse_date)
}

fn parse_date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000_000);

    fn validators(seconds: i64) -> Validators {
        let stamp = Stamp { digest: [1, 2, 3], seconds, nanoseconds: 4 };
        Validators::of_stamp(&stamp, SystemTime::UNIX_EPOCH + NOW)
    }

    fn verdict(headers: &[(&'static str, &str)]) -> Verdict {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        validators(500_000).verdict(&map)
    }

    fn at(seconds: u64) -> String {
        httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn conditions_have_their_order() {
        const TAG: &str = "\"1-2-3-7a120.4\"";
        assert_eq!(validators(500_000).etag, TAG);
        let (same, older, newer) = (at(500_000), at(499_999), at(500_001));
        for (headers, expected) in [
            (vec![("if-none-match", TAG)], Verdict::NotModified),
            (vec![("if-none-match", "\"x\", W/\"1-2-3-7a120.4\"")], Verdict::NotModified),
            (vec![("if-none-match", "*")], Verdict::NotModified),
            (vec![("if-none-match", "\"x\"")], Verdict::Go),
            (vec![("if-modified-since", &*same)], Verdict::NotModified),
            (vec![("if-modified-since", &*newer)], Verdict::NotModified),
            (vec![("if-modified-since", &*older)], Verdict::Go),
            (vec![("if-modified-since", "yesterday")], Verdict::Go),
            // The tag decides, the date does not count.
            (vec![("if-none-match", "\"x\""), ("if-modified-since", &*same)], Verdict::Go),
            (vec![("if-match", TAG)], Verdict::Go),
            (vec![("if-match", "*")], Verdict::Go),
            (vec![("if-match", "\"x\"")], Verdict::Failed),
            // A weak tag is not good enough to put parts together by.
            (vec![("if-match", "W/\"1-2-3-7a120.4\"")], Verdict::Failed),
            (vec![("if-unmodified-since", &*older)], Verdict::Failed),
            (vec![("if-unmodified-since", &*same)], Verdict::Go),
            (vec![("if-match", "\"x\""), ("if-none-match", TAG)], Verdict::Failed),
        ] {
            assert_eq!(verdict(&headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_file_from_the_future_is_from_now() {
        assert_eq!(validators(2_000_000).modified, Some(SystemTime::UNIX_EPOCH + NOW));
        assert_eq!(validators(-5).modified, None);
    }
}
