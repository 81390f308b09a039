//! Why a fetch failed: in words, with what to do next, and as an exit code.

use core::fmt;
use core::net::SocketAddr;
use std::io;

use pxe_tftp::{ErrorCode, TransferError};

/// Exit code for a fault on this computer: a file that cannot be written, a socket.
const EXIT_LOCAL: u8 = 1;
/// Exit code for a URL or name that means nothing, as for a wrong option.
const EXIT_USAGE: u8 = 2;
/// Exit code when the server said no.
const EXIT_REFUSED: u8 = 3;
/// Exit code when nothing answered, or not to the end.
const EXIT_SILENT: u8 = 4;
/// Exit code after Ctrl-C (128 and the signal's number).
const EXIT_INTERRUPTED: u8 = 130;

/// A fetch that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: u8,
    problem: String,
    /// May be empty.
    remedy: String,
}

impl Fault {
    fn new(code: u8, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, problem: problem.into(), remedy: remedy.into() }
    }

    pub(super) fn usage(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(EXIT_USAGE, problem, remedy)
    }

    pub(super) fn local(doing: impl fmt::Display, why: &io::Error) -> Self {
        let remedy = match why.kind() {
            io::ErrorKind::PermissionDenied => "name a file that you may write, with -o",
            io::ErrorKind::StorageFull => "make room, or name a file on another disk with -o",
            io::ErrorKind::NotFound => "make the folder first, or name another with -o",
            _ => "",
        };
        Self::new(EXIT_LOCAL, format!("{doing}: {why}"), remedy)
    }

    pub(super) fn interrupted() -> Self {
        Self::new(EXIT_INTERRUPTED, "interrupted; nothing was kept", "")
    }

    /// The part that was passed on already cannot be taken back.
    pub(super) fn changed(written: u64) -> Self {
        Self::new(
            EXIT_SILENT,
            format!(
                "the file on the server changed between two attempts, and {written} bytes of the \
                 old one are written already"
            ),
            "throw the output away and fetch again; with -o FILE this is done for you",
        )
    }

    pub(super) fn unknown_host(host: &str, why: &io::Error) -> Self {
        Self::new(
            EXIT_SILENT,
            format!("no address is known for {host:?}: {why}"),
            "check the spelling, or give the address itself",
        )
    }

    pub(super) fn no_address_of_family(host: &str, family: &str) -> Self {
        let remedy = "leave the option out, or give another host";
        Self::new(EXIT_SILENT, format!("{host:?} has no {family} address"), remedy)
    }

    /// The transfer itself failed, for good.
    pub(super) fn transfer(
        server: SocketAddr,
        file: &str,
        answered: bool,
        received: u64,
        error: &TransferError,
    ) -> Self {
        let (host, port) = (server.ip(), server.port());
        match error {
            TransferError::Remote { code, message } => {
                let problem = format!("{host} refuses {file:?}: error {code}, {message}");
                Self::new(EXIT_REFUSED, problem, advice(*code))
            }
            TransferError::TimedOut if !answered => Self::new(
                EXIT_SILENT,
                format!("nothing answers at {host}, UDP port {port}"),
                "is the server running, and does every firewall between let UDP through? A server in \
                 a container or behind address translation answers from a port that is not let back: \
                 there it needs tftp.single_port = true",
            ),
            TransferError::TimedOut => Self::new(
                EXIT_SILENT,
                format!("{host} stopped answering after {received} bytes"),
                "try --block-size 512 --window 1, which every network carries; --retries for more \
                 patience",
            ),
            TransferError::SizeMismatch { .. } => Self::new(
                EXIT_SILENT,
                format!("{host} sent another size than it announced: {error}"),
                "the file is being written there: fetch again when it is complete",
            ),
            other => Self::new(
                EXIT_REFUSED,
                format!("{host} does not keep to the protocol: {other}"),
                "try --block-size 512 --window 1",
            ),
        }
    }

    /// The network said that it does not get there.
    pub(super) fn unreachable(server: SocketAddr, why: &io::Error) -> Self {
        let (host, port) = (server.ip(), server.port());
        if why.kind() == io::ErrorKind::ConnectionRefused {
            return Self::new(
                EXIT_SILENT,
                format!("nothing listens at {host}, UDP port {port}"),
                "start the TFTP server there, or give its port: tftp://HOST:PORT/FILE",
            );
        }
        let remedy = "check the address, and the routes of this computer: ip route get ADDRESS";
        Self::new(EXIT_SILENT, format!("{host} cannot be reached: {why}"), remedy)
    }
}

fn advice(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::FILE_NOT_FOUND => {
            "names count from the server's root folder, and small and capital letters differ; the \
             server's log says which name was asked for"
        }
        ErrorCode::ACCESS_VIOLATION => {
            "the server may not read it, or does not serve it: check its rights and that it lies in \
             the root folder"
        }
        ErrorCode::NOT_DEFINED => "the server's log may say more; if it was busy, try again",
        ErrorCode::OPTION_NEGOTIATION => "try --block-size 512 --window 1",
        _ => "the server's log may say more",
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        if !self.remedy.is_empty() {
            write!(f, "\n    -> {}", self.remedy)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_port_and_a_missing_route_are_told_apart() {
        let server = SocketAddr::from(([192, 0, 2, 5], 69));
        let refused =
            Fault::unreachable(server, &io::Error::from(io::ErrorKind::ConnectionRefused));
        assert!(
            refused.to_string().starts_with("nothing listens at 192.0.2.5, UDP port 69\n    -> ")
        );
        let route = Fault::unreachable(server, &io::Error::from(io::ErrorKind::NetworkUnreachable));
        assert!(route.to_string().contains("cannot be reached"), "{route}");
        assert_eq!((refused.code, route.code), (EXIT_SILENT, EXIT_SILENT));
    }
}
