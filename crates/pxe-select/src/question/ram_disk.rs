//! Firmware that starts an image by itself.

use alloc::borrow::Cow;

use super::Question;
use crate::{
    builder::url_of, decision::Action, firmware::Firmware, ram_disk::RAM_DISK_ENTRY, reason::Reason,
};

impl<'p> Question<'p, '_, '_> {
    /// Where the order or the host entry says that the firmware is to start the image itself, and it is firmware that
    /// takes a URL: the image's, if it is known to start on this one.
    pub(super) fn by_ram_disk(&mut self) -> Option<Action<'p>> {
        let firmware = self.url_firmware()?;
        let (reason, image) = self.named_image()?;
        let (name, _) = image.split_once('#').filter(|(_, entry)| *entry == RAM_DISK_ENTRY)?;
        self.reasons.push(reason);
        let known = self.facts.ram_disk;
        if known.starts_on(firmware) {
            return Some(self.image(name, firmware));
        }
        self.reasons.push(Reason::HeldRamDisk { firmware, known });
        Some(Action::Hold)
    }

    /// Without a loader for this firmware: the image that the machine is to boot, if that starts by itself.
    pub(super) fn instead_of_loader(&mut self, firmware: Firmware) -> Option<Action<'p>> {
        if self.url_firmware() != Some(firmware) || !self.facts.ram_disk.starts_on(firmware) {
            return None;
        }
        let (reason, image) = self.named_image()?;
        self.reasons.push(reason);
        let name = image.split_once('#').map_or(image, |(name, _)| name);
        Some(self.image(name, firmware))
    }

    fn named_image(&self) -> Option<(Reason, &'p str)> {
        self.policy.named_image(self.facts.hardware_address, self.beside)
    }

    /// The firmware that asks, if it takes a URL; a bait stands for a file.
    fn url_firmware(&self) -> Option<Firmware> {
        let is_it = self.identity.http && !self.identity.runs_scripts() && self.bait.is_none();
        self.identity.firmware.filter(|firmware| is_it && firmware.is_http())
    }

    fn image(&mut self, name: &str, firmware: Firmware) -> Action<'p> {
        let Some(base) = &self.policy.images_base else {
            self.reasons.push(Reason::HeldNoHttpBase);
            return Action::Hold;
        };
        let Some(url) = url_of(base, name) else {
            self.reasons.push(Reason::HeldUrlTooLong);
            return Action::Hold;
        };
        self.reasons.push(Reason::StartsRamDisk { firmware });
        Action::Url(Cow::Owned(url))
    }
}
