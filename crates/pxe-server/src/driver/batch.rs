//! Datagrams taken by the handful: one call for many, into buffers that are used again.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;

use nix::libc;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage, recvmmsg,
};

use crate::engine::{Arrival, UPLOAD_BLOCK_BYTES_MAX};

/// Room for one datagram: more than an Ethernet frame needs, so that an oversized one is seen as
/// such. It is cut, and dropped.
const DATAGRAM_BYTES: usize = 2048;
/// What a transfers' port is asked for at once. Fewer mean that it is empty, so that no second call
/// is needed to see it.
pub(super) type TransferBatch = Batch<32, DATAGRAM_BYTES>;
/// What a listening port is asked for at once.
pub(super) type ListenBatch = Batch<32, DATAGRAM_BYTES>;

const _: () = assert!(UPLOAD_BLOCK_BYTES_MAX as usize + 4 <= DATAGRAM_BYTES);

/// Up to `COUNT` datagrams of up to `BYTES` bytes.
pub(super) struct Batch<const COUNT: usize, const BYTES: usize> {
    headers: MultiHeaders<SockaddrStorage>,
    buffers: Box<[[u8; BYTES]]>,
    taken: [Option<(usize, Arrival)>; COUNT],
    count: usize,
}

/// Of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) const fn of(address: IpAddr) -> Self {
        if address.is_ipv6() { Self::V6 } else { Self::V4 }
    }
}

/// One batch for each family: the kernel leaves the lengths of the last call in its headers.
pub(super) struct Batches<B> {
    ipv4: B,
    ipv6: B,
}

impl<const COUNT: usize, const BYTES: usize> Batches<Batch<COUNT, BYTES>> {
    pub(super) fn new() -> Self {
        Self { ipv4: Batch::new(), ipv6: Batch::new() }
    }

    pub(super) fn of_family(&mut self, family: Family) -> &mut Batch<COUNT, BYTES> {
        match family {
            Family::V4 => &mut self.ipv4,
            Family::V6 => &mut self.ipv6,
        }
    }
}

impl<const COUNT: usize, const BYTES: usize> Batch<COUNT, BYTES> {
    fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(COUNT, Some(nix::cmsg_space!(libc::in6_pktinfo))),
            buffers: vec![[0; BYTES]; COUNT].into_boxed_slice(),
            taken: [None; COUNT],
            count: 0,
        }
    }

    /// Takes what waits at a socket, `COUNT` datagrams at most.
    pub(super) fn receive(&mut self, socket: &impl AsRawFd) -> io::Result<()> {
        self.count = 0;
        let mut buffers = self.buffers.iter_mut();
        let mut slices: [[IoSliceMut<'_>; 1]; COUNT] = core::array::from_fn(|_| {
            [IoSliceMut::new(buffers.next().map_or(&mut [], |buffer| &mut buffer[..]))]
        });
        let (fd, flags) = (socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        let received = match recvmmsg(fd, &mut self.headers, slices.iter_mut(), flags, None) {
            Ok(received) => received,
            Err(nix::Error::EAGAIN) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for (message, taken) in received.zip(&mut self.taken) {
            *taken = arrival(&message).map(|arrival| (message.bytes, arrival));
            self.count += 1;
        }
        Ok(())
    }

    /// Forgets the last call's datagrams.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Whether the socket may hold more than the last call took.
    pub(super) fn is_full(&self) -> bool {
        self.count == COUNT
    }

    /// The whole datagrams of the last call.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = (Arrival, &[u8])> {
        let taken = self.taken.iter().zip(&self.buffers).take(self.count);
        taken.filter_map(|(taken, buffer)| {
            let (bytes, arrival) = (*taken)?;
            Some((arrival, buffer.get(..bytes)?))
        })
    }
}

/// Where a datagram came from and to; `None` if it was cut or has no source. A socket without packet
/// information tells no address of ours.
fn arrival(message: &RecvMsg<'_, '_, SockaddrStorage>) -> Option<Arrival> {
    if message.flags.contains(MsgFlags::MSG_TRUNC) {
        return None;
    }
    let source = message.address.as_ref().and_then(socket_address)?;
    let unknown = match source {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let information =
        message.cmsgs().ok().into_iter().flatten().find_map(|control| match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let local = Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr));
                // A broadcast has another destination than the address of ours that it came to.
                let unicast = info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr;
                let interface = u32::try_from(info.ipi_ifindex).unwrap_or(0);
                Some((IpAddr::V4(local), interface, Some(unicast)))
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                let local = IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr));
                Some((local, info.ipi6_ifindex, None))
            }
            _ => None,
        });
    let (local, interface, unicast) = information.unwrap_or((unknown, 0, None));
    Some(Arrival { source, local, interface, mtu: None, unicast })
}

/// The address in `std`'s terms; `None` for other families.
fn socket_address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(address) = storage.as_sockaddr_in() {
        return Some(SocketAddr::V4((*address).into()));
    }
    storage.as_sockaddr_in6().map(|address| SocketAddr::V6((*address).into()))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn a_full_batch_says_so_and_the_next_has_the_rest() {
        let receiver = UdpSocket::bind("127.0.0.1:0").expect("socket");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("socket");
        let to = receiver.local_addr().expect("address");
        let long = vec![9; DATAGRAM_BYTES + 1];
        for datagram in [&b"a"[..], b"bb", &long, b"dddd", b"eeeee"] {
            sender.send_to(datagram, to).expect("send");
        }
        let mut batches: Batches<Batch<4, 768>> = Batches::new();
        let batch = batches.of_family(Family::V4);
        batch.receive(&receiver).expect("receive");
        assert!(batch.is_full());
        let lengths: Vec<_> = batch.datagrams().map(|(_, bytes)| bytes.len()).collect();
        assert_eq!(lengths, [1, 2, 4], "the cut one is left out");
        batch.receive(&receiver).expect("receive");
        assert!(!batch.is_full());
        let from: Vec<_> = batch.datagrams().map(|(arrival, _)| arrival.source).collect();
        assert_eq!(from, [sender.local_addr().expect("address")]);
        batch.receive(&receiver).expect("nothing waits");
        assert_eq!(batch.datagrams().count(), 0);
    }
}
