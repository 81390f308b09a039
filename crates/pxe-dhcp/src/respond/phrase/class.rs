//! Which boot protocol a client speaks.

use crate::options::{BootItem, PxeOptions, VendorClass, VendorSpace};
use crate::{BootFacts, Message, OptionCode};

/// Which boot protocol a client speaks. Decided by option 60, never by the architecture alone:
/// firmware reports HTTP architecture numbers under `PXEClient` as well.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientClass {
    /// `PXEClient`, or an iPXE that says so in option 77 or 175 only: wants a file name.
    Pxe,
    /// `HTTPClient`: UEFI HTTP Boot, wants a URL.
    Http,
    /// `U-Boot…` with an architecture in option 93. Builds with `CONFIG_SERVERIP_FROM_PROXYDHCP`
    /// read the header of a proxy offer, the others ignore it.
    UBoot,
}

/// The class of a client; none for one that does not boot from the network as far as it says.
pub(in crate::respond) fn class_of(facts: &BootFacts<'_>) -> Option<ClientClass> {
    let class = VendorClass::new(facts.vendor_class.unwrap_or_default());
    match class.space() {
        VendorSpace::Http => Some(ClientClass::Http),
        VendorSpace::Pxe => Some(ClientClass::Pxe),
        // Apple's clients speak BSDP, whatever else they say.
        VendorSpace::Bsdp => None,
        VendorSpace::Other if is_ipxe(facts) => Some(ClientClass::Pxe),
        VendorSpace::Other => {
            let u_boot = class.as_bytes().starts_with(U_BOOT) && !facts.archs.is_empty();
            u_boot.then_some(ClientClass::UBoot)
        }
    }
}

/// Whether iPXE sent the request: user class `iPXE` in either framing, or its own options. Vendor
/// builds omit one or the other.
pub(in crate::respond) fn is_ipxe(facts: &BootFacts<'_>) -> bool {
    let named = facts.user_classes().is_some_and(|classes| classes.contains(IPXE_USER_CLASS));
    named || facts.ipxe.is_some()
}

/// The menu choice in option 43. An iPXE that leaves out option 60 means PXE by it all the same.
pub(in crate::respond) fn boot_item(facts: &BootFacts<'_>) -> Option<BootItem> {
    PxeOptions::new(facts.vendor_specific?).boot_item()
}

/// Option 60 of a reply, by which a client knows that it is meant.
pub(in crate::respond) fn push_class(message: &mut Message, class: ClientClass) {
    match class {
        ClientClass::Http => {
            // A GRUB patch reads this option as a C string (docs/quirks.md).
            message.push_padded(OptionCode::VENDOR_CLASS, VendorClass::HTTP_CLIENT);
        }
        // U-Boot reads neither; EDK2 on the same wire must never see a proxy offer without it.
        ClientClass::Pxe | ClientClass::UBoot => {
            message.push(OptionCode::VENDOR_CLASS, VendorClass::PXE_CLIENT);
        }
    }
}

const U_BOOT: &[u8] = b"U-Boot";
const IPXE_USER_CLASS: &[u8] = b"iPXE";
