//! What several tests need: files in memory, peers, bytes.
#![allow(dead_code, reason = "each test uses its part")]

use core::net::SocketAddr;
use core::time::Duration;

use pxe_tftp::{BlockSource, ReadFailure, TransferId};

pub(crate) const MS: Duration = Duration::from_millis(1);

/// Bytes that follow from a seed, and do not repeat soon (xorshift64*).
pub(crate) fn content(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = (seed ^ 0xc0).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let [byte, ..] = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes();
        byte
    };
    (0..bytes).map(|_| next()).collect()
}

pub(crate) fn peer(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10], port))
}

/// Files in memory, by the transfer's place.
#[derive(Default)]
pub(crate) struct Files(pub Vec<Vec<u8>>);

impl BlockSource for Files {
    fn read_at(
        &mut self,
        transfer: TransferId,
        offset: u64,
        block: &mut [u8],
    ) -> Result<usize, ReadFailure> {
        let file = self.0.get(transfer.index()).ok_or(ReadFailure::Failed)?;
        let from = usize::try_from(offset).unwrap().min(file.len());
        let bytes = block.len().min(file.len() - from);
        block[..bytes].copy_from_slice(&file[from..from + bytes]);
        Ok(bytes)
    }
}
