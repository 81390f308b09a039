//! Interfaces as packet sockets know them: frames are sent by index, from an Ethernet address.

use std::collections::BTreeMap;

use nix::ifaddrs::getifaddrs;
use nix::libc;
use nix::sys::socket::SockaddrStorage;

use super::interfaces::INTERFACES_MAX;

/// An Ethernet interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// For `sendto`; of it the kernel reads the index alone.
    pub(super) address: SockaddrStorage,
    /// Its own Ethernet address.
    pub(super) mac: [u8; 6],
}

/// Those that were asked for since the last [`forget`](Self::forget); none for what is no Ethernet.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<u32, Option<Link>>);

impl Links {
    pub(super) fn of(&mut self, index: u32) -> Option<Link> {
        if let Some(known) = self.0.get(&index) {
            return *known;
        }
        if self.0.len() >= INTERFACES_MAX {
            self.forget();
        }
        let found = look_up(index);
        self.0.insert(index, found);
        found
    }

    /// The machine changes while we run.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

fn look_up(index: u32) -> Option<Link> {
    let addresses = getifaddrs().ok()?.filter_map(|entry| entry.address);
    let mut links = addresses.filter_map(|address| {
        let link = *address.as_link_addr()?;
        let is_ethernet = link.hatype() == libc::ARPHRD_ETHER && link.halen() == 6;
        let is_it = u32::try_from(link.ifindex()) == Ok(index);
        (is_ethernet && is_it).then_some(Link { address, mac: link.addr()? })
    });
    links.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_no_ethernet() {
        let index = nix::net::if_::if_nametoindex("lo").expect("lo");
        let mut links = Links::default();
        assert!(links.of(index).is_none() && links.of(u32::MAX).is_none());
        assert_eq!(links.0.len(), 2, "nor is it asked for again");
    }
}
