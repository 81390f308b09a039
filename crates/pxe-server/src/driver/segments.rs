//! A row of datagrams in one buffer: handed to the kernel whole where it can cut it apart
//! (`UDP_SEGMENT`, Linux 4.18), piece by piece elsewhere.

use std::io;

use nix::libc;

/// The datagrams of a buffer: all of `segment_bytes`, the last may be shorter.
pub(super) fn of(bytes: &[u8], segment_bytes: Option<usize>) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(segment_bytes.unwrap_or(bytes.len()).max(1))
}

/// Whether the kernel or the device will not cut rows apart, so that it is not asked again:
/// no checksum offload (EIO), an old kernel (EINVAL, ENOPROTOOPT), or segments above the MTU
/// (EMSGSIZE), which have to be fragmented instead.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE | libc::ENOPROTOOPT | libc::EOPNOTSUPP)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_falls_apart_into_its_datagrams() {
        let lengths =
            |bytes: &[u8], segment| of(bytes, segment).map(<[u8]>::len).collect::<Vec<_>>();
        assert_eq!(lengths(&[0; 10], Some(4)), [4, 4, 2]);
        assert_eq!(lengths(&[0; 8], Some(4)), [4, 4]);
        assert_eq!(lengths(&[0; 10], None), [10]);
    }
}
