//! The story of a client's address, in words.

use core::fmt;

use super::event::Stage;

/// How far the giving of an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseStep {
    /// It was offered, and is kept for the client for a while.
    Offered,
    /// The client has it, durably.
    Acknowledged,
    /// The client had it, and has it for longer.
    Renewed,
}

/// What follows the word of a stage that is about an address; nothing for the others.
pub(super) fn leased(f: &mut fmt::Formatter<'_>, stage: &Stage) -> fmt::Result {
    match stage {
        Stage::Leased { step: LeaseStep::Offered, address, file: Some(file), .. } => {
            write!(f, " {address} and {file}")
        }
        Stage::Leased { step: LeaseStep::Offered, address, .. } | Stage::Released { address } => {
            write!(f, " {address}")
        }
        Stage::Leased { address, seconds, file, .. } => {
            write!(f, " {address} for {}", Seconds(*seconds))?;
            file.as_ref().map_or(Ok(()), |file| write!(f, ", and {file}"))
        }
        Stage::Refused { address, reason } => write!(f, " {address}: {reason}"),
        Stage::Unserved { reason } => write!(f, ": {reason}"),
        Stage::Declined { address, ignored: None } => {
            write!(f, " {address}: another machine uses it, so it is set aside")
        }
        Stage::Declined { address, ignored: Some(why) } => {
            write!(f, " {address}, which is ignored: {why}")
        }
        _ => Ok(()),
    }
}

/// A time as people say it.
struct Seconds(u32);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            u32::MAX => f.write_str("ever"),
            seconds if seconds % 3600 == 0 => write!(f, "{} h", seconds / 3600),
            seconds if seconds % 60 == 0 => write!(f, "{} min", seconds / 60),
            seconds => write!(f, "{seconds} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_lease_is_told_in_one_line() {
        let address = Ipv4Addr::new(192, 0, 2, 7);
        let told = |step, seconds, file: Option<&str>| {
            let file = file.map(ToOwned::to_owned);
            Stage::Leased { step, address, seconds, file }.to_string()
        };
        assert_eq!(told(LeaseStep::Offered, 60, Some("a.efi")), "offered 192.0.2.7 and a.efi");
        assert_eq!(told(LeaseStep::Acknowledged, 43_200, None), "acknowledged 192.0.2.7 for 12 h");
        assert_eq!(told(LeaseStep::Renewed, 5400, None), "renewed 192.0.2.7 for 90 min");
        assert_eq!(
            told(LeaseStep::Acknowledged, u32::MAX, None),
            "acknowledged 192.0.2.7 for ever"
        );
    }
}
