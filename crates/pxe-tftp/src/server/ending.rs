//! How transfers end, and what a client means by its ERROR packet.

use super::event::FailureReason;
use crate::error::{ErrorCode, ErrorText};

/// The way a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Finished { last_ack_missing: bool },
    ProbeEnded,
    Failed(FailureReason),
}

/// Texts of clients that close a file early, as they do on every boot.
const EARLY_CLOSES: [(ErrorCode, &[u8]); 5] = [
    // EDK2, after the size probe.
    (ErrorCode::OPTION_NEGOTIATION, b"User aborted the transfer"),
    // Intel's ROM after its size probe, iPXE on closing.
    (ErrorCode::NOT_DEFINED, b"TFTP Aborted"),
    // GRUB.
    (ErrorCode::NOT_DEFINED, b"closed"),
    // PXELINUX.
    (ErrorCode::NOT_DEFINED, b"No error, file close"),
    // Raspberry Pi.
    (ErrorCode::NOT_DEFINED, b"Early terminate"),
];

/// `unproven`: nothing was acknowledged before. `asked_size`: the request had `tsize`.
pub(super) fn of_client_error(
    code: ErrorCode,
    message: &[u8],
    unproven: bool,
    asked_size: bool,
) -> Ending {
    if EARLY_CLOSES.iter().any(|&(c, text)| c == code && text.eq_ignore_ascii_case(message)) {
        return Ending::ProbeEnded;
    }
    let ends_probe = matches!(code, ErrorCode::NOT_DEFINED | ErrorCode::OPTION_NEGOTIATION);
    if unproven && asked_size && ends_probe {
        return Ending::ProbeEnded;
    }
    if code == ErrorCode::UNKNOWN_TRANSFER_ID && unproven {
        return Ending::Failed(FailureReason::UnwantedCopy);
    }
    let message = ErrorText::new(message, usize::MAX);
    Ending::Failed(FailureReason::ClientError { code, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_and_early_closes_are_normal() {
        let table: [(u16, &[u8], bool, bool, bool); 11] = [
            (8, b"User aborted the transfer", true, true, true),
            (0, b"TFTP Aborted", true, true, true),
            (0, b"TFTP Aborted", false, false, true),
            (0, b"closed", false, true, true),
            (0, b"No error, file close", true, true, true),
            (0, b"Early terminate", false, true, true),
            // Any text ends a probe.
            (8, b"", true, true, true),
            (0, b"bye", true, true, true),
            // Without the question for the size, or in the middle, it is a failure.
            (8, b"no such options", true, false, false),
            (0, b"bye", false, true, false),
            (3, b"User provided memory block is too small", true, true, false),
        ];
        for (code, message, unproven, asked_size, normal) in table {
            let ending = of_client_error(ErrorCode(code), message, unproven, asked_size);
            assert_eq!(ending == Ending::ProbeEnded, normal, "{code} {}", message.escape_ascii());
        }
    }
}
