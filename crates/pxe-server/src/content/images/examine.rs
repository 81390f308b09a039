//! A look at one image: whether it is whole, and what it says of itself.

use std::fs::{File, Metadata};

use pxe_image::{Image, ImageErrorKind, Tree};

use super::{Source, State};

/// Looks at an image. May take as long as the disk takes for some hundred kilobytes.
pub(super) fn examine(name: &str, file: File, metadata: &Metadata) -> State {
    let size = metadata.len();
    if size == 0 {
        return State::Broken("is empty".to_owned());
    }
    match Image::open(Source { file, size }) {
        Ok(image) => match image.missing_bytes() {
            0 => State::Ready { label: image.label().to_owned(), has_files: true },
            missing => State::Broken(cut_off(size, missing)),
        },
        Err(error) => match error.kind {
            // Disks, WIM files and programs are served whole; an ISO is an ISO.
            ImageErrorKind::NotAnImage if !name.to_ascii_lowercase().ends_with(".iso") => {
                State::Ready { label: String::new(), has_files: false }
            }
            ImageErrorKind::NotAnImage => {
                State::Broken("is neither ISO 9660 nor UDF: is it downloaded whole?".to_owned())
            }
            _ => State::Broken(format!("is broken: {error}")),
        },
    }
}

fn cut_off(size: u64, missing: u64) -> String {
    let gigabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e9);
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let whole = size.saturating_add(missing);
    match whole >= 1_000_000_000 {
        true => format!("is cut off: {} of {} GB", gigabytes(size), gigabytes(whole)),
        false => format!("is cut off: {} of {} MB", megabytes(size), megabytes(whole)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_as_people_do() {
        assert_eq!(cut_off(3_200_000_000, 1_500_000_000), "is cut off: 3.2 of 4.7 GB");
        assert_eq!(cut_off(100_000, 600_000), "is cut off: 0.1 of 0.7 MB");
    }
}
