//! String options: 12, 15, 17, 40, 56, 66, 67, 209, 210.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

/// A string option's value without the NULs that some senders append (RFC 2132 section 2). Bytes, not `str`: names on
/// the wire are of any encoding.
#[must_use]
pub const fn text(value: &[u8]) -> &[u8] {
    let mut text = value;
    while let [head @ .., 0] = text {
        text = head;
    }
    text
}
