//! What `GET <api>/v1/boot/<mac>` answers: JSON, read without trust (Pixiecore, `README.api.md`).

use pxe_select::Target;
use serde_json::{Map, Value};
use url::Url;

use super::{cmdline, script};
use crate::engine::InventoryAnswer;
use crate::outward::without_password;

/// Bytes of an answer that are read.
pub const ANSWER_BYTES_MAX: u64 = 16_384;
/// Initial RAM disks of one machine.
pub const INITRDS_MAX: usize = 32;

/// Protocols by which iPXE fetches (ipxe.org/crypto and the builds of the loader table). `file:` would be a file of
/// Pixiecore's own machine.
const SCHEMES: [&str; 4] = ["http", "https", "tftp", "ftp"];

/// What a machine boots, every URL of it absolute.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Boot {
    pub(super) kernel: String,
    pub(super) initrds: Vec<String>,
    pub(super) cmdline: String,
    pub(super) message: String,
}

/// Reads an answer of the API at `base` (`…/v1`), with which its relative URLs are resolved.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn read(base: &Url, body: &[u8]) -> Result<InventoryAnswer, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
    let Value::Object(answer) = value else { return Err("no JSON object".to_owned()) };
    let text = |key: &str| match answer.get(key) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => Err(format!("{key} is {} and no text", kind(other))),
    };
    let given = text("ipxe-script")?;
    if !given.is_empty() {
        // As it is, as Pixiecore does.
        let what = format!("a script of its own, {} bytes", given.len());
        return Ok(InventoryAnswer::Boots { script: given.to_owned(), target: None, what });
    }
    let kernel = match text("kernel")? {
        "" => return Err("neither kernel nor ipxe-script is in it".to_owned()),
        kernel => absolute(base, "kernel", kernel)?,
    };
    let initrds = initrds(base, &answer)?;
    let cmdline = cmdline::read(base, answer.get("cmdline"))?;
    let boot = Boot { kernel, initrds, cmdline, message: text("message")?.to_owned() };
    let kernel = Url::parse(&boot.kernel).map(|url| without_password(&url).to_string());
    let kernel = kernel.unwrap_or_default();
    let what = match boot.initrds.len() {
        0 => format!("kernel {kernel}"),
        count => format!("kernel {kernel} and {count} initrd"),
    };
    let script = script::ipxe(&boot)?;
    let Boot { kernel, initrds, cmdline, .. } = boot;
    let target = Some(Target::Linux { kernel, initrds, cmdline: cmdline.trim().to_owned() });
    Ok(InventoryAnswer::Boots { script, target, what })
}

fn initrds(base: &Url, answer: &Map<String, Value>) -> Result<Vec<String>, String> {
    let list = match answer.get("initrd") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(format!("initrd is {} and no list", kind(other))),
    };
    if list.len() > INITRDS_MAX {
        return Err(format!("initrd lists {} files, and {INITRDS_MAX} are enough", list.len()));
    }
    let each = list.iter().map(|item| match item.as_str() {
        Some(url) => absolute(base, "initrd", url),
        None => Err(format!("initrd lists {} and no text", kind(item))),
    });
    each.collect()
}

/// A URL as iPXE can fetch it. `/x` leads to the top of the API's host, not below its path.
pub(super) fn absolute(base: &Url, key: &str, url: &str) -> Result<String, String> {
    let absolute = base.join(url).map_err(|error| format!("{key} {url:?} is no URL: {error}"))?;
    if !SCHEMES.contains(&absolute.scheme()) {
        let schemes = SCHEMES.join(", ");
        return Err(format!("{key} {url:?} cannot be fetched by a machine, which knows {schemes}"));
    }
    Ok(absolute.into())
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("http://inventory.example/baz/v1").expect("a URL")
    }

    fn script(body: &str) -> String {
        match read(&base(), body.as_bytes()) {
            Ok(InventoryAnswer::Boots { script, .. }) => script,
            other => panic!("{body}: {other:?}"),
        }
    }

    fn fault(body: &str) -> String {
        read(&base(), body.as_bytes()).expect_err("a fault")
    }

    #[test]
    fn the_examples_of_the_specification_boot() {
        let plain = script(r#"{"kernel": "/kernel", "initrd": ["/initrd.0", "/initrd.1"]}"#);
        assert!(
            plain.contains(
                "kernel --name kernel http://inventory.example/kernel initrd=initrd0 initrd=initrd1 || goto"
            ),
            "{plain}"
        );
        assert!(plain.contains("initrd --name initrd1 http://inventory.example/initrd.1 || goto"));
        let flags = script(
            r#"{"kernel": "https://files.local/kernel", "initrd": ["https://files.local/initrd"],
                "cmdline": "selinux=1 coreos.autologin"}"#,
        );
        assert!(
            flags.contains(
                "kernel https://files.local/kernel initrd=initrd0 selinux=1 coreos.autologin ||"
            ),
            "{flags}"
        );
        let url = script(
            r#"{"kernel": "k", "cmdline": "config={{ URL \"/cc\" }} other=https://x/", "message": "Hello\nthere"}"#,
        );
        assert!(
            url.contains("http://inventory.example/baz/k config=http://inventory.example/cc other=https://x/ ||"),
            "{url}"
        );
        assert!(url.contains("echo Hello\necho there\n"), "{url}");
        let raw = script(r##"{"ipxe-script": "#!ipxe\nshell\n"}"##);
        assert_eq!(raw, "#!ipxe\nshell\n");
    }

    #[test]
    fn a_loader_that_reads_no_script_is_told_the_same() {
        let target = |body: &str| match read(&base(), body.as_bytes()) {
            Ok(InventoryAnswer::Boots { target, .. }) => target,
            other => panic!("{body}: {other:?}"),
        };
        let linux = target(r#"{"kernel": "/k", "initrd": ["/i"], "cmdline": " quiet "}"#);
        let at = |name: &str| format!("http://inventory.example/{name}");
        let expected =
            Target::Linux { kernel: at("k"), initrds: vec![at("i")], cmdline: "quiet".into() };
        assert_eq!(linux, Some(expected));
        assert_eq!(target(r##"{"ipxe-script": "#!ipxe\nshell\n"}"##), None);
    }

    #[test]
    fn a_password_of_the_api_is_the_machine_s_and_no_story_s() {
        let base = Url::parse("http://me:pw@inventory.example/v1").expect("a URL");
        let Ok(InventoryAnswer::Boots { script, what, .. }) = read(&base, br#"{"kernel": "/k"}"#)
        else {
            panic!("it boots")
        };
        assert_eq!(what, "kernel http://inventory.example/k");
        assert!(script.contains("http://me:pw@inventory.example/k"), "{script}");
    }

    #[test]
    fn an_object_of_the_command_line_is_in_the_order_of_its_keys() {
        let text = script(
            r#"{"kernel": "/k", "cmdline": {"quiet": true, "a": "1", "name": "x y", "cfg": {"url": "/c"}}}"#,
        );
        let line = "a=1 cfg=http://inventory.example/c name=\"x y\" quiet ||";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn what_cannot_be_booted_is_said_in_words() {
        for (body, words) in [
            ("", "no JSON"),
            ("[]", "no JSON object"),
            ("{}", "neither kernel nor ipxe-script"),
            (r#"{"kernel": 7}"#, "kernel is a number"),
            (r#"{"kernel": "file:///vmlinuz"}"#, "cannot be fetched"),
            (r#"{"kernel": "/k", "initrd": "/i"}"#, "initrd is a text and no list"),
            (r#"{"kernel": "/k", "initrd": [1]}"#, "initrd lists a number"),
            (r#"{"kernel": "/k", "cmdline": 1}"#, "cmdline is a number"),
            (r#"{"kernel": "/k", "cmdline": {"a": false}}"#, "cmdline a is"),
            (r#"{"kernel": "/k", "cmdline": {"a": {"href": 1}}}"#, "no url"),
            (r#"{"kernel": "/k", "cmdline": "{{ ID \"x\" }}"}"#, "{{ URL"),
            (r#"{"kernel": "/k", "cmdline": "{{ URL"}"#, "{{ URL"),
            (r#"{"kernel": "/k", "cmdline": "a\nshell"}"#, "more than one line"),
            (r#"{"kernel": "/k", "cmdline": "a || shell"}"#, "||"),
            (r#"{"kernel": "http://[::1"}"#, "is no URL"),
        ] {
            assert!(fault(body).contains(words), "{body}: {}", fault(body));
        }
        let many = vec!["\"/i\""; INITRDS_MAX + 1].join(",");
        assert!(
            fault(&format!(r#"{{"kernel": "/k", "initrd": [{many}]}}"#)).contains("are enough")
        );
    }
}
