//! VMware ESXi's `boot.cfg` for a boot over the network, made of the one on the disc.
//!
//! The disc's own names its files from the top of the disc (`kernel=/b.b00`), and its boot program would ask a server for
//! them there. VMware says what to change: `prefix=` with the place of the files, no slash before a name, and
//! `kernelopt=` with the installation script ("VMware ESXi Installation and Setup", "PXE Boot the ESXi Installer"; keys
//! and lists as in `mboot/config.c` and `bootlib/parse.c` of VMware's esx-boot). Every other line stays as it is.

use core::fmt::Write as _;

use crate::limits::TEXT_BYTES_MAX;
use crate::menu::{Places, url_path};

/// Between the files of a list.
const SEPARATOR: &str = "---";
/// An option of the disc's kernel that is true only of a disc: the installer looks for a CD then.
const FROM_CD: &str = "cdromBoot";

/// Why there is no `boot.cfg` for the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootCfgError {
    /// Real ones have some kilobytes.
    #[error("the disc's boot.cfg has more than {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// It is no text.
    #[error("the disc's boot.cfg is no text")]
    NotText,
    /// It names no kernel, so mboot would not start.
    #[error("the disc's boot.cfg has no kernel= line")]
    NoKernel,
    /// Files of images cannot be had the way that was named.
    #[error("the image's files have no address here")]
    NoPlace,
    /// An address has a blank or a control character in it.
    #[error("an address has a blank in it, which boot.cfg cannot say")]
    Address,
}

/// The text for a machine that gets the files of `image` from [`Places::images`], and its installation script from
/// `kickstart`, a URL, if it has one. Without one the installer asks people.
///
/// # Errors
/// What keeps the disc's own from being used.
pub fn boot_cfg(
    own: &[u8],
    places: &Places,
    image: &str,
    kickstart: Option<&str>,
) -> Result<String, BootCfgError> {
    if own.len() > TEXT_BYTES_MAX {
        return Err(BootCfgError::TooLong);
    }
    let own = core::str::from_utf8(own).map_err(|_| BootCfgError::NotText)?;
    let images = places.images.as_deref().ok_or(BootCfgError::NoPlace)?;
    let image = if places.encoded { url_path(image) } else { image.to_owned() };
    let prefix = format!("{images}{image}/files");
    let is_word = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if !is_word(&prefix) || !kickstart.is_none_or(is_word) {
        return Err(BootCfgError::Address);
    }
    let (mut text, mut has_kernel, mut has_options) = (String::new(), false, false);
    for line in own.lines().map(str::trim_end) {
        match setting(line) {
            // Said once, where its kernel is.
            Some(("prefix", _)) => {}
            Some(("kernel", file)) => {
                has_kernel = true;
                let _ = writeln!(text, "prefix={prefix}\nkernel={}", relative(file));
            }
            Some(("kernelopt", options)) => {
                has_options = true;
                let _ = writeln!(text, "kernelopt={}", with_script(options, kickstart));
            }
            Some((key @ ("modules" | "acpitables"), files)) => {
                let files: Vec<&str> = files.split(SEPARATOR).map(relative).collect();
                let _ = writeln!(text, "{key}={}", files.join(&format!(" {SEPARATOR} ")));
            }
            _ => {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    if !has_options && kickstart.is_some() {
        let _ = writeln!(text, "kernelopt={}", with_script("", kickstart));
    }
    has_kernel.then_some(text).ok_or(BootCfgError::NoKernel)
}

/// Key and value of a line whose key matters here; blanks around both do not count, and neither does the key's case.
fn setting(line: &str) -> Option<(&'static str, &str)> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let keys = ["prefix", "kernel", "kernelopt", "modules", "acpitables"];
    let known = keys.into_iter().find(|known| known.eq_ignore_ascii_case(key))?;
    Some((known, value.trim()))
}

/// A file, and perhaps its options, without the slashes that make its name absolute: mboot puts the prefix before
/// relative names only.
fn relative(file: &str) -> &str {
    file.trim().trim_start_matches('/')
}

/// Options of the kernel for a boot over the network. Another script that the disc names is not asked for.
fn with_script(options: &str, kickstart: Option<&str>) -> String {
    let mut words: Vec<&str> = options.split_whitespace().collect();
    words.retain(|word| !word.eq_ignore_ascii_case(FROM_CD));
    let Some(kickstart) = kickstart else { return words.join(" ") };
    words.retain(|word| !word.starts_with("ks="));
    let script = format!("ks={kickstart}");
    words.push(&script);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the disc of ESXi 8 has it, with fewer modules.
    const OWN: &str = "bootstate=0\ntitle=Loading ESXi installer\ntimeout=5\nprefix=\nkernel=/b.b00\n\
        kernelopt=runweasel cdromBoot\nmodules=/jumpstrt.gz --- /useropts.gz --- /features.gz\n\
        build=8.0.3-0.0.24022510\nupdated=0\n";

    fn made(own: &str, kickstart: Option<&str>) -> Result<String, BootCfgError> {
        let places = Places::over_http("http://192.0.2.5:8080");
        boot_cfg(own.as_bytes(), &places, "esxi 8.iso", kickstart)
    }

    #[test]
    fn names_are_relative_to_the_image_s_files() {
        assert_eq!(
            made(OWN, None).as_deref(),
            Ok("bootstate=0\ntitle=Loading ESXi installer\ntimeout=5\n\
                prefix=http://192.0.2.5:8080/images/esxi%208.iso/files\nkernel=b.b00\n\
                kernelopt=runweasel\nmodules=jumpstrt.gz --- useropts.gz --- features.gz\n\
                build=8.0.3-0.0.24022510\nupdated=0\n")
        );
        let places =
            Places { images: Some("::images/".into()), encoded: false, ..Places::over_http("") };
        let text = boot_cfg(OWN.as_bytes(), &places, "esxi.iso", None).expect("a text");
        assert!(text.contains("\nprefix=::images/esxi.iso/files\nkernel=b.b00\n"), "{text}");
    }

    #[test]
    fn an_installation_script_takes_the_place_of_the_disc_s() {
        let script = "http://192.0.2.5:8080/seed/52-54-00-aa-00-01/ks.cfg";
        let options = |own: &str| {
            let text = made(own, Some(script)).expect("a text");
            let line = text.lines().find_map(|line| line.strip_prefix("kernelopt="));
            line.map(ToOwned::to_owned).expect("options")
        };
        assert_eq!(options(OWN), format!("runweasel ks={script}"));
        assert_eq!(options("kernel=b\nkernelopt=ks=cdrom:/KS.CFG a=b"), format!("a=b ks={script}"));
        assert_eq!(options("kernel=b"), format!("ks={script}"), "it had none");
    }

    #[test]
    fn spelling_does_not_matter() {
        let text = made(
            " Kernel =  //b.b00\r\nMODULES=/a.v00 opt=/x---b.v00 --- \r\n# kernel=/c\r\n",
            None,
        );
        assert_eq!(
            text.as_deref(),
            Ok("prefix=http://192.0.2.5:8080/images/esxi%208.iso/files\nkernel=b.b00\n\
                modules=a.v00 opt=/x --- b.v00 --- \n# kernel=/c\n")
        );
    }

    #[test]
    fn what_cannot_work_is_refused() {
        assert_eq!(made("modules=/a\n", None), Err(BootCfgError::NoKernel));
        assert_eq!(made("", None), Err(BootCfgError::NoKernel));
        assert_eq!(made(&"x".repeat(TEXT_BYTES_MAX + 1), None), Err(BootCfgError::TooLong));
        assert_eq!(made(OWN, Some("http://a/b c")), Err(BootCfgError::Address));
        let places = Places { images: None, ..Places::over_http("http://a") };
        assert_eq!(boot_cfg(OWN.as_bytes(), &places, "a.iso", None), Err(BootCfgError::NoPlace));
        let places = Places::over_http("http://a");
        assert_eq!(boot_cfg(b"kernel=\xff", &places, "a.iso", None), Err(BootCfgError::NotText));
        let tftp = Places { encoded: false, ..places };
        let escape = "a\nkernel=x.iso";
        assert_eq!(boot_cfg(OWN.as_bytes(), &tftp, escape, None), Err(BootCfgError::Address));
    }
}
