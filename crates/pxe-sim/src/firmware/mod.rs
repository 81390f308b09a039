//! Models of boot firmware: one file each, after the functions named in their comments. A model
//! sends what the real thing sends, waits as long, retries as often, and refuses what it refuses.

mod edk2_dhcp4;
pub mod edk2_http;
mod edk2_menu;
pub mod edk2_pxe;
pub mod grub;
pub mod intel_rom;
pub mod ipxe;
mod parts;
pub mod patient;
pub mod picky;
pub mod pxelinux;
pub mod raspberry_pi;
pub mod shim;
pub mod uboot;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::network::Mac;

/// Where clients listen.
pub(crate) const CLIENT_PORT: u16 = 68;
/// Where DHCP servers listen.
pub(crate) const SERVER_PORT: u16 = 67;
/// Where PXE boot servers listen.
pub(crate) const BOOT_SERVER_PORT: u16 = 4011;

/// How a boot ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The firmware goes on to fetch this.
    Boot(Boot),
    /// It gave up, with the reason its user would see or its source gives.
    Failed(&'static str),
}

impl Outcome {
    /// The boot, if there is one.
    #[must_use]
    pub fn boot(&self) -> Option<&Boot> {
        match self {
            Self::Boot(boot) => Some(boot),
            Self::Failed(_) => None,
        }
    }
}

/// What the firmware fetches, and what it leaves in memory for the loader it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// The TFTP server; unspecified where the name is a URL.
    pub server: Ipv4Addr,
    /// Name or URL.
    pub file: Vec<u8>,
    /// The address the client got.
    pub address: Ipv4Addr,
    /// The packets the next stage can read.
    pub cached: CachedPackets,
    /// The file itself, where the simulation goes that far ([`crate::fetch`]).
    pub content: Option<Vec<u8>>,
}

/// The packets a PXE stack keeps for its loader (`EFI_PXE_BASE_CODE_MODE`, `PXENV_GET_CACHED_INFO`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CachedPackets {
    /// The DHCP server's ACK.
    pub ack: Vec<u8>,
    /// The proxy's offer, or what replaced it from port 4011.
    pub proxy_offer: Option<Vec<u8>>,
    /// The reply of boot server discovery.
    pub pxe_reply: Option<Vec<u8>>,
}

/// Who a client is.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Its Ethernet address.
    pub mac: Mac,
    /// The architecture it reports in option 93.
    pub arch: u16,
    /// The GUID of option 97.
    pub guid: [u8; 16],
    /// Where its transaction ids begin.
    pub transaction_id: u32,
}

impl Machine {
    /// A machine with everything derived from `number`.
    #[must_use]
    pub fn new(number: u8, arch: u16) -> Self {
        let mut guid = [number; 16];
        guid[0] = 0xa0;
        Self {
            mac: [0x52, 0x54, 0x00, 0xaa, 0x00, number],
            arch,
            guid,
            transaction_id: 0x5eed_0000 | u32::from(number) << 8,
        }
    }

    /// `PXEClient:Arch:00007:UNDI:003016` and its like.
    pub(crate) fn vendor_class(&self, class: &str, undi: &str) -> Vec<u8> {
        format!("{class}:Arch:{:05}:UNDI:{undi}", self.arch).into_bytes()
    }

    /// Option 97: type 0 and the GUID.
    pub(crate) fn machine_id(&self) -> [u8; 17] {
        let mut value = [0; 17];
        value[1..].copy_from_slice(&self.guid);
        value
    }
}

/// A list of timeouts, used up one by one.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    timeouts_ms: &'static [u64],
    tries: usize,
    due: Option<Instant>,
}

impl Schedule {
    /// The first try is due at `start`.
    pub(crate) fn new(timeouts_ms: &'static [u64], start: Instant) -> Self {
        Self { timeouts_ms, tries: 0, due: Some(start) }
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether any try was made already.
    pub(crate) fn started(&self) -> bool {
        self.tries > 0
    }

    /// Counts a try at `now`; false when all are used up.
    pub(crate) fn again(&mut self, now: Instant) -> bool {
        let Some(timeout) = self.timeouts_ms.get(self.tries) else {
            self.due = None;
            return false;
        };
        self.tries += 1;
        self.due = Some(now + Duration::from_millis(*timeout));
        true
    }

    pub(crate) fn stop(&mut self) {
        self.due = None;
    }
}
