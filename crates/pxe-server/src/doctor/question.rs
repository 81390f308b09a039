//! What is asked: one DISCOVER for each firmware, as that firmware would send it.

use core::net::Ipv4Addr;

use pxe_dhcp::options::{ArchList, IpxeOption, IpxeOptionsBuilder, VendorClass};
use pxe_dhcp::{
    EncodeError, Flags, HardwareType, Message, MessageType, Operation, OptionCode, SizeBudget,
};
use pxe_select::{Arch, Firmware};

/// What EDK2's PXE firmware asks for (`PxeBcBuildDhcp4Options`).
const REQUESTED: [u8; 35] = [
    1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66,
    67, 97, 128, 129, 130, 131, 132, 133, 134, 135,
];
/// The largest datagram that firmware announces (option 57).
const DATAGRAM_BYTES: u16 = 1_472;
/// UNDI version of UEFI; BIOS says 2.1.
const UNDI: (u16, u16) = (3, 0);
/// Option 97 of a Raspberry Pi 4: type 0, then its name (raspberrypi/firmware 1928).
const RPI_ID: [u8; 17] = [0, b'R', b'P', b'i', b'4', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// One machine that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it is.
    pub firmware: Firmware,
    /// The number it says in options 60 and 93.
    pub arch: Arch,
    /// iPXE runs on it already.
    pub ipxe: bool,
}

impl Question {
    /// Every firmware that this project knows, x64 under its second number too, and iPXE where it is common.
    pub fn all() -> Vec<Self> {
        let mut list = Vec::new();
        for &firmware in Firmware::all() {
            let numbers = Arch::table().iter().filter(|entry| entry.firmware == Some(firmware));
            let number = match firmware {
                // The registered number is newer than all of the ROMs, which say 0.
                Firmware::Rpi => Some(Arch::X86_BIOS),
                _ => numbers.map(|entry| entry.arch).next(),
            };
            list.extend(number.map(|arch| Self { firmware, arch, ipxe: false }));
        }
        list.push(Self { firmware: Firmware::X64Uefi, arch: Arch::EBC, ipxe: false });
        for firmware in [Firmware::Bios, Firmware::X64Uefi, Firmware::Arm64Uefi] {
            let known = list.iter().find(|it| it.firmware == firmware && !it.ipxe);
            list.extend(known.map(|it| Self { ipxe: true, ..*it }).into_iter().collect::<Vec<_>>());
        }
        list
    }

    /// Its name in tables: `x64-uefi`, `x64-uefi (9)`, `iPXE on bios`.
    pub fn name(&self) -> String {
        match (self.ipxe, self.arch) {
            (true, _) => format!("iPXE on {}", self.firmware),
            (false, Arch::EBC) => format!("{} (9)", self.firmware),
            (false, _) => self.firmware.name().to_owned(),
        }
    }

    fn class(&self) -> &'static [u8] {
        if self.firmware.is_http() { VendorClass::HTTP_CLIENT } else { VendorClass::PXE_CLIENT }
    }

    /// Option 60 as it is sent.
    pub fn vendor_class(&self) -> Vec<u8> {
        let mut class = Vec::new();
        let undi = if self.firmware.is_uefi() { UNDI } else { (2, 1) };
        VendorClass::encode(self.class(), self.arch.0, undi, &mut class);
        class
    }

    /// The DISCOVER. Replies are asked for by broadcast: this machine does not have the address that is offered.
    ///
    /// # Errors
    /// Never in practice: the message has a fixed size.
    pub(super) fn discover(
        &self,
        mac: [u8; 6],
        transaction_id: u32,
        relay: Option<Ipv4Addr>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let mut message = self.message(mac, transaction_id, MessageType::DISCOVER)?;
        message.set_flags(Flags::BROADCAST);
        if let Some(relay) = relay {
            message.set_relay_address(relay).set_hops(1);
        }
        out.clear();
        message.encode(SizeBudget::of_payload(1_472), out).map(drop)
    }

    /// The REQUEST to a boot server's port 4011 (PXE 2.1 section 2.2.3), which concerns no address: the client says that
    /// it has one.
    ///
    /// # Errors
    /// Never in practice, as above.
    pub(super) fn boot_request(
        &self,
        mac: [u8; 6],
        transaction_id: u32,
        own: Ipv4Addr,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let mut message = self.message(mac, transaction_id, MessageType::REQUEST)?;
        message.set_client_address(own);
        out.clear();
        message.encode(SizeBudget::of_payload(1_472), out).map(drop)
    }

    fn message(
        &self,
        mac: [u8; 6],
        transaction_id: u32,
        message_type: MessageType,
    ) -> Result<Message, EncodeError> {
        let mut message = Message::new(Operation::BootRequest);
        message.set_hardware(HardwareType::ETHERNET, &mac)?.set_transaction_id(transaction_id);
        message
            .push_octet(OptionCode::MESSAGE_TYPE, message_type.0)
            .push(OptionCode::PARAMETER_REQUEST_LIST, &REQUESTED)
            .push_short(OptionCode::MAX_MESSAGE_SIZE, DATAGRAM_BYTES)
            .push(OptionCode::VENDOR_CLASS, &self.vendor_class())
            .push_with(OptionCode::CLIENT_ARCHITECTURE, |out| ArchList::encode([self.arch.0], out));
        let undi = if self.firmware.is_uefi() { [1, 3, 0] } else { [1, 2, 1] };
        message.push(OptionCode::NETWORK_INTERFACE, &undi);
        match self.firmware {
            Firmware::Rpi => message.push(OptionCode::MACHINE_ID, &RPI_ID),
            _ => message.push(OptionCode::MACHINE_ID, &machine_id(mac)),
        };
        if self.ipxe {
            message.push(OptionCode::USER_CLASS, b"iPXE");
            let mut options = IpxeOptionsBuilder::new();
            let usual =
                [IpxeOption::FEATURE_HTTP, IpxeOption::FEATURE_TFTP, IpxeOption::FEATURE_MENU];
            usual.into_iter().for_each(|feature| {
                options.push(feature, &[1]);
            });
            let is_bios = self.firmware == Firmware::Bios;
            let format =
                if is_bios { IpxeOption::FEATURE_BZIMAGE } else { IpxeOption::FEATURE_EFI };
            let value = options.push(format, &[1]).finish().unwrap_or_default();
            message.push(OptionCode::IPXE, value);
        }
        Ok(message)
    }
}

/// Option 97: type 0 and a GUID of version 4 that ends in the hardware address.
fn machine_id(mac: [u8; 6]) -> [u8; 17] {
    let [a, b, c, d, e, f] = mac;
    [0, b'p', b'x', b'e', b'd', b'o', b'c', 0x40, 0, 0x80, 0, a, b, c, d, e, f]
}
