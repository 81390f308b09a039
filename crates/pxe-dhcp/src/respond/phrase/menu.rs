//! The full menu of PXE 2.1: two items, of which the first is taken at once and asked of us.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::END;
use crate::options::{BootServerType, DiscoveryControl, PxeOption};

/// The item that is us.
const OURS: BootServerType = BootServerType::VENDOR_FIRST;
/// A menu of one item was not enough for every machine; the second is where such menus end.
const ITEMS: [(BootServerType, &[u8]); 2] =
    [(OURS, b"Boot from the network"), (BootServerType::LOCAL_BOOT, b"Boot from the local disk")];
/// Seconds until the first item is taken: at once.
const PROMPT_SECONDS: u8 = 0;
const PROMPT: &[u8] = b"Network boot";

/// Writes the value of option 43: ask `server`, and it alone, by unicast.
pub(super) fn write(value: &mut Vec<u8>, server: Ipv4Addr) {
    let control = DiscoveryControl::NO_BROADCAST | DiscoveryControl::NO_MULTICAST;
    sub_option(value, PxeOption::DISCOVERY_CONTROL, |value| value.push(control.0));
    sub_option(value, PxeOption::BOOT_SERVERS, |value| {
        value.extend_from_slice(&OURS.0.to_be_bytes());
        value.push(1);
        value.extend_from_slice(&server.octets());
    });
    sub_option(value, PxeOption::BOOT_MENU, |value| {
        for (server_type, text) in ITEMS {
            value.extend_from_slice(&server_type.0.to_be_bytes());
            value.push(text.len() as u8);
            value.extend_from_slice(text);
        }
    });
    sub_option(value, PxeOption::MENU_PROMPT, |value| {
        value.push(PROMPT_SECONDS);
        value.extend_from_slice(PROMPT);
    });
    value.push(END);
}

/// Writes code, length and what `content` appends, which is known to be short.
fn sub_option(value: &mut Vec<u8>, code: PxeOption, content: impl FnOnce(&mut Vec<u8>)) {
    value.extend_from_slice(&[code.0, 0]);
    let start = value.len();
    content(value);
    value[start - 1] = (value.len() - start) as u8;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::PxeOptions;

    #[test]
    fn the_menu_reads_back() {
        let server = Ipv4Addr::new(192, 0, 2, 5);
        let mut value = Vec::new();
        write(&mut value, server);
        let options = PxeOptions::decode(&value).expect("a sound option 43");
        assert_eq!(options.discovery_control(), Some(DiscoveryControl(3)));
        let servers: Vec<_> = options.boot_servers().expect("servers").collect();
        assert_eq!((servers.len(), servers[0].server_type), (1, OURS));
        assert!(servers[0].addresses.iter().eq([server]));
        let items: Vec<_> = options.boot_menu().expect("a menu").collect();
        assert_eq!(items[0].server_type, OURS);
        assert_eq!(items[1].server_type, BootServerType::LOCAL_BOOT);
        assert_eq!(options.menu_prompt().expect("a prompt").timeout_seconds, 0);
        assert_eq!(value.last(), Some(&END));
    }
}
