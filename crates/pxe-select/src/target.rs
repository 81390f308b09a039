//! What one machine boots, once a loader runs on it that reads texts of ours.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    error::Fault,
    limits::{
        CMDLINE_BYTES_MAX, FILE_NAME_BYTES_MAX, IMAGE_NAME_BYTES_MAX, INITRDS_MAX, URL_BYTES_MAX,
    },
    names,
};

/// What a machine boots by its host entry, whatever the menu offers. Its firmware gets its loader as ever; iPXE, GRUB and
/// what reads PXELINUX configurations are then told this instead of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// The local disk.
    Local,
    /// An image, and one of its entries if a `#` and its name follow: `debian-12.iso#auto`. Which there are is not known
    /// here.
    Image(String),
    /// A script of iPXE: a file below the root, or a URL.
    Script(String),
    /// A Linux kernel: files below the root, or URLs.
    Linux {
        /// The kernel.
        kernel: String,
        /// Initial RAM disks, in their order; at most [`INITRDS_MAX`].
        initrds: Vec<String>,
        /// Its command line, at most [`CMDLINE_BYTES_MAX`] bytes.
        cmdline: String,
    },
}

impl Target {
    /// Whether a text is a URL and no file below the root.
    #[must_use]
    pub fn is_url(text: &str) -> bool {
        text.contains("://")
    }
}

/// The target with its names cleaned; tells each fault with its key.
pub(crate) fn check(target: &Target, mut tell: impl FnMut(&'static str, Fault)) -> Option<Target> {
    let mut place = |key: &'static str, text: &str| match check_place(text) {
        Ok(place) => Some(place),
        Err(fault) => {
            tell(key, fault);
            None
        }
    };
    Some(match target {
        Target::Local => Target::Local,
        // It may be named by DHCP.
        Target::Script(script) if !Target::is_url(script) && script.len() > FILE_NAME_BYTES_MAX => {
            tell("script", Fault::FileNameTooLong { bytes: script.len() });
            return None;
        }
        Target::Script(script) => Target::Script(place("script", script)?),
        Target::Image(image) => {
            if !is_image(image) {
                tell("image", Fault::BadImage { text: image.to_owned() });
                return None;
            }
            target.clone()
        }
        Target::Linux { kernel, initrds, cmdline } => {
            let kernel = place("kernel", kernel);
            let initrds: Vec<_> = initrds.iter().map(|initrd| place("initrd", initrd)).collect();
            if initrds.len() > INITRDS_MAX {
                tell("initrd", Fault::TooManyInitrds { found: initrds.len() });
                return None;
            }
            if cmdline.len() > CMDLINE_BYTES_MAX || cmdline.chars().any(char::is_control) {
                tell("cmdline", Fault::BadCmdline { bytes: cmdline.len() });
                return None;
            }
            let initrds = initrds.into_iter().collect::<Option<Vec<_>>>()?;
            Target::Linux { kernel: kernel?, initrds, cmdline: cmdline.clone() }
        }
    })
}

/// A file name, perhaps with the folder it is in, and perhaps the name of an entry.
fn is_image(text: &str) -> bool {
    let name = text.split_once('#').map_or(text, |(name, _)| name);
    let is_clean = names::normalise(name.as_bytes()).is_ok_and(|clean| !clean.cleaned);
    is_clean && text.len() <= IMAGE_NAME_BYTES_MAX && !text.chars().any(char::is_control)
}

/// A path below the root, or a URL.
fn check_place(text: &str) -> Result<String, Fault> {
    if Target::is_url(text) {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        return match text.len() {
            bytes if bytes > URL_BYTES_MAX => Err(Fault::UrlTooLong { bytes }),
            _ if !plain => Err(Fault::BadUrl { text: text.to_string() }),
            _ => Ok(text.to_owned()),
        };
    }
    let name = names::normalise(text.as_bytes()).map_err(|fault| Fault::BadFileName { fault })?;
    if name.trimmed.is_some() {
        return Err(Fault::FileNameEndsInBlank);
    }
    Ok(String::from_utf8_lossy(&name.bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(target: Target) -> Vec<&'static str> {
        let mut keys = Vec::new();
        let checked = check(&target, |key, _| keys.push(key));
        assert_eq!(checked.is_none(), !keys.is_empty(), "{target:?}");
        keys
    }

    fn linux(kernel: &str, initrds: &[&str], cmdline: &str) -> Target {
        let initrds = initrds.iter().map(|initrd| (*initrd).to_owned()).collect();
        Target::Linux { kernel: kernel.to_owned(), initrds, cmdline: cmdline.to_owned() }
    }

    #[test]
    fn names_are_cleaned_and_stay_below_the_root() {
        let script = |text: &str| check(&Target::Script(text.to_owned()), |_, _| {});
        assert_eq!(script("/hosts//a.ipxe"), Some(Target::Script("hosts/a.ipxe".to_owned())));
        assert_eq!(
            script("http://192.0.2.9/a?b"),
            Some(Target::Script("http://192.0.2.9/a?b".to_owned()))
        );
        assert!(script("../a").is_none() && script("http://a b").is_none() && script("").is_none());
    }

    #[test]
    fn every_fault_has_its_key() {
        assert_eq!(faults(Target::Local), [""; 0]);
        for image in ["debian-12.iso", "debian-12.iso#auto", "a b.iso", "tools/x.efi"] {
            assert_eq!(faults(Target::Image(image.to_owned())), [""; 0]);
        }
        for image in ["", "#auto", "../x.iso", "/b.iso", "..", "a\nb"] {
            assert_eq!(faults(Target::Image(image.to_owned())), ["image"], "{image:?}");
        }
        assert_eq!(faults(linux("vmlinuz", &["initrd", "http://192.0.2.1/x"], "quiet")), [""; 0]);
        assert_eq!(faults(linux("../x", &["..", "b"], "a")), ["kernel", "initrd"]);
        assert_eq!(faults(linux("x", &["a"; INITRDS_MAX + 1], "a")), ["initrd"]);
        assert_eq!(faults(linux("x", &[], "a\nb")), ["cmdline"]);
        assert_eq!(faults(linux("x", &[], &"a".repeat(CMDLINE_BYTES_MAX + 1))), ["cmdline"]);
    }
}
