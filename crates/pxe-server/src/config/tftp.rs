//! `[tftp]`: its keys and their defaults.

use core::ops::RangeInclusive;
use std::path::PathBuf;

use pxe_select::FolderBy;

use super::reader::{Located, Section};
use super::sections::{number, port};

/// RFC 2348.
const BLOCK_BYTES: RangeInclusive<i64> = 8..=65_464;
/// RFC 7440.
const WINDOW_BLOCKS: RangeInclusive<i64> = 1..=65_535;
/// More ports than this one address does not have.
const TRANSFERS: RangeInclusive<i64> = 1..=60_000;
/// Threads; more than this never helped anybody.
const LOOPS: RangeInclusive<i64> = 1..=64;
/// 16 TiB: larger than any file system that a memory dump is sent to.
const UPLOAD_BYTES: RangeInclusive<i64> = 1..=1 << 44;

/// `[tftp]`.
#[derive(Clone, Debug)]
pub struct TftpConfig {
    /// Serve files by TFTP.
    pub enabled: bool,
    /// UDP port of requests.
    pub port: u16,
    /// Largest block size granted, in bytes.
    pub block_size_max: u16,
    /// Largest window granted, in blocks.
    pub window_size_max: u16,
    /// Transfers open at once.
    pub transfers_max: usize,
    /// All transfers share the request port, for containers, address translation and strict
    /// firewalls; else each has a port of its own (RFC 1350).
    pub single_port: bool,
    /// Threads that serve files, each with its own sockets.
    pub loops: usize,
    /// A name that is not there is looked for in other spellings, upper and lower case alike.
    pub ignore_case: bool,
    /// Machines have folders named by their addresses, looked into first.
    pub folder_by: Option<FolderBy>,
    /// Folder of the files that clients may send; `None`: they may not.
    pub uploads: Option<Located<PathBuf>>,
    /// Largest file they may send, in bytes.
    pub upload_bytes_max: u64,
    /// `[[tftp.rewrite]]`.
    pub rewrites: Vec<RewriteConfig>,
}

impl TftpConfig {
    /// Default of `loops`: one for each core, at most this many. A boot storm is bounded by the
    /// network card long before.
    pub const LOOPS_DEFAULT_MAX: usize = 4;
    /// Default of `upload_bytes_max`, in bytes: enough for logs and configurations, too little for
    /// memory dumps of large machines.
    pub const UPLOAD_BYTES_DEFAULT_MAX: u64 = 64 << 20;

    fn default_loops() -> usize {
        let cores = std::thread::available_parallelism().map_or(1, core::num::NonZero::get);
        cores.min(Self::LOOPS_DEFAULT_MAX)
    }
}

impl Default for TftpConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            port: 69,
            block_size_max: 1468,
            window_size_max: 64,
            transfers_max: 10_000,
            single_port: false,
            loops: Self::default_loops(),
            ignore_case: false,
            folder_by: None,
            uploads: None,
            upload_bytes_max: Self::UPLOAD_BYTES_DEFAULT_MAX,
            rewrites: Vec::new(),
        }
    }
}

/// One `[[tftp.rewrite]]`, as written.
#[derive(Clone, Debug)]
pub struct RewriteConfig {
    /// Line of its header.
    pub line: usize,
    /// What a name begins with,
    pub prefix: Option<Located<String>>,
    /// or what it ends with,
    pub suffix: Option<Located<String>>,
    /// or what it matches.
    pub regex: Option<Located<String>>,
    /// What stands in its place; may be empty.
    pub replace: Located<String>,
    /// Rules behind this one are passed over once it has matched.
    pub stop: bool,
}

pub(super) fn read(section: Section<'_, '_>, tftp: &mut TftpConfig) {
    if let Some(enabled) = section.boolean("enabled") {
        tftp.enabled = enabled;
    }
    if let Some(port) = port(&section, "port") {
        tftp.port = port;
    }
    if let Some(bytes) = number(&section, "block_size_max", BLOCK_BYTES) {
        tftp.block_size_max = bytes;
    }
    if let Some(blocks) = number(&section, "window_size_max", WINDOW_BLOCKS) {
        tftp.window_size_max = blocks;
    }
    if let Some(transfers) = number(&section, "transfers_max", TRANSFERS) {
        tftp.transfers_max = transfers;
    }
    if let Some(loops) = number(&section, "loops", LOOPS) {
        tftp.loops = loops;
    }
    if let Some(single_port) = section.boolean("single_port") {
        tftp.single_port = single_port;
    }
    if let Some(ignore_case) = section.boolean("ignore_case") {
        tftp.ignore_case = ignore_case;
    }
    tftp.folder_by =
        section.choice("folder_by", &[("mac", FolderBy::Mac), ("address", FolderBy::Address)]);
    let folder = section.string("uploads");
    tftp.uploads = folder.map(|Located { value, line }| Located { value: value.into(), line });
    if let Some(bytes) = number(&section, "upload_bytes_max", UPLOAD_BYTES) {
        tftp.upload_bytes_max = bytes;
    }
    tftp.rewrites = section.sections("rewrite").into_iter().filter_map(rewrite).collect();
    section.finish();
}

/// Which of its keys go together, and what they may hold, the policy checks.
fn rewrite(section: Section<'_, '_>) -> Option<RewriteConfig> {
    let (prefix, suffix) = (section.text("prefix"), section.text("suffix"));
    let regex = section.text("regex");
    let replace = section.text("replace");
    if replace.is_none() && !section.has("replace") {
        section.fault(
            section.line,
            "replace",
            "a rewriting rule needs what to put in place of what it finds".into(),
            "replace = \"…\"; an empty text removes what was found",
        );
    }
    let stop = section.boolean("stop").unwrap_or(false);
    let line = section.line;
    section.finish();
    Some(RewriteConfig { line, prefix, suffix, regex, replace: replace?, stop })
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn every_key_is_read() {
        let text = r#"
[tftp]
ignore_case = true
folder_by = "mac"
uploads = "incoming"
upload_bytes_max = 1_000_000
[[tftp.rewrite]]
prefix = "tftpboot/"
replace = ""
[[tftp.rewrite]]
regex = '^pxelinux\.cfg/(.*)$'
replace = "menus/$1"
stop = true
"#;
        let tftp = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}")).tftp;
        assert!(tftp.ignore_case);
        assert_eq!(tftp.folder_by, Some(FolderBy::Mac));
        assert_eq!(tftp.uploads, Some(Located { value: "incoming".into(), line: 5 }));
        assert_eq!(tftp.upload_bytes_max, 1_000_000);
        let [first, second] = &tftp.rewrites[..] else { panic!("{:?}", tftp.rewrites) };
        assert_eq!((first.line, &*first.replace.value, first.stop), (7, "", false));
        assert_eq!((second.regex.as_ref().map(|regex| regex.line), second.stop), (Some(11), true));
    }

    #[test]
    fn none_of_it_is_on_by_default() {
        let tftp = Config::parse("").expect("no fault").tftp;
        assert!(tftp.uploads.is_none() && tftp.folder_by.is_none() && !tftp.ignore_case);
        assert_eq!(tftp.upload_bytes_max, 64 << 20);
    }

    #[test]
    fn faults_have_their_lines_and_keys() {
        let text = "\
[tftp]
uploads = \"\"
upload_bytes_max = 0
folder_by = \"name\"
ignore_case = \"yes\"
[[tftp.rewrite]]
prefix = \"a\"
[[tftp.rewrite]]
sufix = \"b\"
replace = 7
";
        let faults = Config::parse(text).expect_err("faults");
        let found: Vec<_> = faults.list.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
        assert_eq!(
            found,
            [
                (2, "tftp.uploads"),
                (3, "tftp.upload_bytes_max"),
                (4, "tftp.folder_by"),
                (5, "tftp.ignore_case"),
                (6, "tftp.rewrite[1].replace"),
                (9, "tftp.rewrite[2].sufix"),
                (10, "tftp.rewrite[2].replace"),
            ],
            "{faults}"
        );
        assert!(faults.to_string().contains("did you mean `suffix`?"), "{faults}");
    }
}
