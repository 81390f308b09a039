//! Looks at one image: a short one, whether it is whole and what it says of itself, and a long one, what it is.

use std::fs::{File, Metadata};

use pxe_image::limits::RECOGNISED_BYTES_MAX;
use pxe_image::recognise::{ImageFacts, Overrides, Recognition, Rules, recognise, recognise_file};
use pxe_image::{Bounded, Image, ImageErrorKind, Tree};

use super::{Source, State};

/// Looks at an image. May take as long as the disk takes for some hundred kilobytes.
pub(super) fn examine(name: &str, file: File, metadata: &Metadata) -> State {
    let size = metadata.len();
    if size == 0 {
        return State::Broken("is empty".to_owned());
    }
    match Image::open(Source::new(file, size)) {
        Ok(image) => match image.missing_bytes() {
            0 => {
                State::Ready { label: image.label().to_owned(), has_files: true, recognition: None }
            }
            missing => State::Broken(cut_off(size, missing)),
        },
        Err(error) => match error.kind {
            // Disks, WIM files and programs are served whole; an ISO is an ISO.
            ImageErrorKind::NotAnImage if !name.to_ascii_lowercase().ends_with(".iso") => {
                State::Ready { label: String::new(), has_files: false, recognition: None }
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

/// Says what an image is, by the built-in rules and the text of the file beside it, and whether all that was wanted of it
/// could be read. May take seconds.
///
/// # Errors
/// It cannot be read, or is broken: in plain words.
pub(super) fn recognised(
    name: &str,
    file: File,
    size: u64,
    beside: Option<&str>,
) -> Result<(Recognition, bool), String> {
    let mut rules = Rules::built_in();
    let mut fault = None;
    match beside.map(Overrides::parse) {
        Some(Ok(overrides)) => rules = rules.overridden(overrides),
        Some(Err(faults)) => {
            fault = Some(format!("the file beside it (.toml) is not used: {faults}"))
        }
        None => {}
    }
    let base = name.rsplit('/').next().unwrap_or(name);
    let source = Source::new(file, size);
    let bounded = Bounded::new(&source, RECOGNISED_BYTES_MAX);
    let mut recognition = match Image::open(&bounded) {
        Ok(image) => recognise(&image, &ImageFacts::of(base, &image), &rules),
        Err(error) if matches!(error.kind, ImageErrorKind::NotAnImage) => {
            let recognised = recognise_file(base, &bounded, &rules);
            recognised.map_err(|error| format!("cannot be read: {error}"))?
        }
        Err(error) => return Err(format!("is broken: {error}")),
    };
    recognition.warnings.extend(fault);
    recognition.warnings.extend(
        bounded.is_spent().then(|| {
            format!("looking at it was given up after {} GiB", RECOGNISED_BYTES_MAX >> 30)
        }),
    );
    Ok((recognition, !source.has_failed()))
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
