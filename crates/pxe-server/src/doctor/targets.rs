//! Which files are fetched: those that servers name, and for a bait the names that it stands for.

use pxe_select::{Firmware, Policy};

use super::facts::{Fetched, Outcome, Segment};
use super::question::Question;

/// Files that are fetched in one run; more are not looked at.
pub const FETCHED_FILES_MAX: usize = 64;

/// Endings that mean nothing in a bait's name.
const ENDINGS: [&str; 3] = [".0", ".efi", ".kpxe"];

/// Every file that was named, each once, with who was told so.
pub(super) fn targets(segments: &[Segment], policy: Option<&Policy>) -> Vec<Fetched> {
    let mut files: Vec<Fetched> = Vec::new();
    for (place, segment) in segments.iter().enumerate() {
        let offers = segment.answers.iter();
        let acks = segment.boot_answers.iter().filter_map(|it| it.answer.as_ref());
        for answer in offers.chain(acks) {
            let Some(asked) = segment.questions.get(answer.question) else { continue };
            let fallback = answer.boot_server().map(|server| server.to_string());
            let named = target(&answer.file, fallback)
                .and_then(|file| with_bait(file, asked, policy))
                // HTTP Boot takes nothing but URLs.
                .filter(|file| file.http || !asked.firmware.is_http());
            let Some(mut named) = named else { continue };
            let told = (place, answer.question);
            let same = |it: &&mut Fetched| (&it.server, &it.file) == (&named.server, &named.file);
            if let Some(known) = files.iter_mut().find(same) {
                if !known.told.contains(&told) {
                    known.told.push(told);
                }
            } else if files.len() < FETCHED_FILES_MAX {
                named.told.push(told);
                files.push(named);
            }
        }
    }
    files
}

/// A file as firmware reads its name: a URL, or a name at the boot server.
fn target(file: &str, fallback: Option<String>) -> Option<Fetched> {
    let (scheme, rest) = match file.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => (String::new(), file),
    };
    let (server, path) = match rest.split_once('/') {
        Some((server, path)) if !scheme.is_empty() => (server.to_owned(), path),
        _ if scheme.is_empty() && !file.is_empty() => (fallback?, file),
        _ => return None,
    };
    let (server, http) = match scheme.as_str() {
        "http" => (server, true),
        "https" => (format!("https://{server}"), true),
        "" | "tftp" => (server, false),
        _ => return None,
    };
    let file = if http { format!("/{path}") } else { path.to_owned() };
    let told = Vec::new();
    let outcome = Outcome::NotTried("not asked yet".to_owned());
    Some(Fetched { server, file, http, bait: None, told, outcome, program: None })
}

/// A bait without a firmware in its name is asked for with one: nobody was heard to boot from this address, so the plain
/// name would be held. None for firmware that baits have no word for.
fn with_bait(mut file: Fetched, asked: &Question, policy: Option<&Policy>) -> Option<Fetched> {
    let Some(bait) = policy.and_then(|policy| policy.bait(file.file.as_bytes())) else {
        return Some(file);
    };
    let plain = file.file.clone();
    if bait.firmware.is_none() {
        let stem = ENDINGS.iter().find_map(|ending| plain.strip_suffix(ending)).unwrap_or(&plain);
        let suffix = match asked.firmware.over_tftp() {
            Firmware::Bios => "bios",
            Firmware::X86Uefi => "ia32",
            Firmware::X64Uefi => "uefi",
            Firmware::Arm64Uefi => "aa64",
            _ => return None,
        };
        file.file = format!("{stem}_{suffix}");
    }
    file.bait = Some(plain);
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_urls_are_told_apart() {
        let of = |file: &str| {
            let found = target(file, Some("192.0.2.5".to_owned()))?;
            Some((found.server, found.file, found.http))
        };
        let expected = |server: &str, file: &str, http| Some((server.into(), file.into(), http));
        assert_eq!(
            of("boot\\x64\\wdsnbp.com"),
            expected("192.0.2.5", "boot\\x64\\wdsnbp.com", false)
        );
        assert_eq!(of("/grub/a.efi"), expected("192.0.2.5", "/grub/a.efi", false));
        assert_eq!(of("tftp://h/x/y"), expected("h", "x/y", false));
        assert_eq!(of("http://h:8080/a?b"), expected("h:8080", "/a?b", true));
        assert_eq!(of("https://h/a"), expected("https://h", "/a", true));
        for none in ["", "nfs://h/a", "http://h"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn a_bait_is_asked_for_by_each_firmwares_name() {
        let policy = Policy::builder().bait("pxe-loader").build().expect("policy");
        let asked = |firmware| {
            let all = Question::all();
            *all.iter().find(|it| it.firmware == firmware && !it.ipxe).expect("asked")
        };
        let name = |file: &str, firmware| {
            let file = target(file, Some("192.0.2.5".to_owned())).expect("a name");
            with_bait(file, &asked(firmware), Some(&policy)).map(|file| file.file)
        };
        assert_eq!(name("pxe-loader.0", Firmware::Bios).as_deref(), Some("pxe-loader_bios"));
        assert_eq!(name("pxe-loader", Firmware::X64Uefi).as_deref(), Some("pxe-loader_uefi"));
        assert_eq!(name("pxe-loader_ia32", Firmware::X64Uefi).as_deref(), Some("pxe-loader_ia32"));
        assert_eq!(name("pxe-loader", Firmware::S390x), None);
        assert_eq!(name("ipxe.efi", Firmware::X64Uefi).as_deref(), Some("ipxe.efi"));
    }
}
