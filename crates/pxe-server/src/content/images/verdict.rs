//! Whether a machine's firmware boots an image over the network, and the words for that: of menus, stories, `explain`,
//! `doctor` and the page.

use core::fmt::Display;

use pxe_image::Cpu;
use pxe_image::recognise::Recognition;
use pxe_select::Firmware;

use super::{ImageInfo, State};
use crate::content::uefi_cpu;

/// Whether firmware boots it by any way that is known, and why not; `None` for firmware of which recognition says
/// nothing.
pub(crate) fn bootable(known: &Recognition, firmware: Firmware) -> Option<Result<(), String>> {
    let cpu = match firmware {
        Firmware::Bios => Cpu::X64,
        other => uefi_cpu(other)?,
    };
    Some(known.bootable(cpu, firmware.is_uefi()).map(|_| ()))
}

/// The words for an image that does not boot on this firmware.
pub(crate) fn cannot_boot(name: &str, title: &str, on: impl Display, why: &str) -> String {
    format!("{} cannot boot on {on}: {why}", image_named(name, title))
}

/// An image by its name and what it is. What nobody knows is called by its name already.
pub(crate) fn image_named(name: &str, title: &str) -> String {
    if title.starts_with(name) { title.to_owned() } else { format!("{name} ({title})") }
}

/// Why nobody boots this image, or this firmware does not; `None` as far as that is not known.
pub(in crate::content) fn unfit(
    name: &str,
    info: &ImageInfo,
    firmware: Option<Firmware>,
) -> Option<String> {
    match &info.state {
        State::Broken(why) => Some(format!("{name} {why}")),
        State::Ready { recognition: Some(known), .. } => {
            let firmware = firmware?;
            let why = bootable(known, firmware)?.err()?;
            Some(cannot_boot(name, &known.title, firmware, &why))
        }
        State::Arriving | State::Ready { recognition: None, .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_said_once() {
        assert_eq!(image_named("a.iso", "Debian 12"), "a.iso (Debian 12)");
        assert_eq!(image_named("a.iso", "a.iso (ISOIMAGE)"), "a.iso (ISOIMAGE)");
    }
}
