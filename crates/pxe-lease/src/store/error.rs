//! Why a store failed.

use thiserror::Error;

/// Why a store failed, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the store.
    #[error(
        "{place} is open in another process; stop the other server, or give this one a state folder of its own"
    )]
    Locked {
        /// The file.
        place: String,
    },
    /// It is damaged, or not a lease store.
    #[error(
        "{place} is damaged or no lease store ({detail}); move it away and start again: clients keep their addresses and ask for them anew, or import an exported list"
    )]
    Damaged {
        /// The file or table.
        place: String,
        /// What was found.
        detail: String,
    },
    /// A newer version of this library wrote it.
    #[error(
        "{place} has format {found}, and this program knows formats up to {known}; use the newer program"
    )]
    TooNew {
        /// The file or table.
        place: String,
        /// Its format.
        found: u64,
        /// The newest format known here.
        known: u64,
    },
    /// It could not be read or written.
    #[error("{place}: {detail}{}", advice(detail))]
    Io {
        /// The file.
        place: String,
        /// What the system said.
        detail: String,
    },
    /// The database cannot be reached.
    #[error("the database at {place} cannot be reached: {detail}; it is tried again by itself")]
    Unreachable {
        /// Host, port and database, without a password.
        place: String,
        /// What was tried last.
        detail: String,
    },
    /// The database understood, and refused.
    #[error("the database at {place} refused: {detail}")]
    Refused {
        /// Host, port and database, without a password.
        place: String,
        /// What it said.
        detail: String,
    },
    /// The address of the database cannot be understood.
    #[error("this is no address of a database like postgres://user@host/dbname: {detail}")]
    BadUrl {
        /// What is wrong with it.
        detail: String,
    },
}

/// What can be done about the commonest faults of files.
fn advice(detail: &str) -> &'static str {
    let lower = detail.to_ascii_lowercase();
    if lower.contains("no space") || lower.contains("quota") {
        return "; make room on that disk, it goes on by itself";
    }
    if lower.contains("permission denied") || lower.contains("read-only") {
        return "; let the server's user write there";
    }
    if lower.contains("no such file") {
        return "; make the folder";
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_gets_advice() {
        let io = |detail: &str| {
            let (place, detail) = ("state/leases.redb".to_owned(), detail.to_owned());
            StoreError::Io { place, detail }.to_string()
        };
        assert!(io("No space left on device (os error 28)").ends_with("it goes on by itself"));
        assert!(io("Permission denied (os error 13)").ends_with("write there"));
        assert_eq!(io("odd"), "state/leases.redb: odd");
    }
}
