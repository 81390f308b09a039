//! What people call the choices of a menu: no two of different images alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::TITLE_CHARS_MAX;
use crate::menu::MenuItem;
use crate::menu::escape::{text, title};

/// Characters of a file name behind a title: of a longer one its beginning and its end.
const NAME_CHARS_MAX: usize = 40;

/// Titles of items, in their order. Where another image has the same, the name of the image's file tells them apart.
pub(super) fn of(items: &[MenuItem<'_>]) -> Vec<String> {
    let raw = items.iter().map(|item| {
        let called = match item.image {
            Some(image) if item.entry.title.is_empty() => image.title,
            _ if item.entry.title.is_empty() => &item.entry.id,
            _ => &item.entry.title,
        };
        (item.image.map(|image| image.name), called)
    });
    apart(&raw.collect::<Vec<_>>())
}

/// The same of images, each with its name and title.
pub(super) fn of_images(images: &[(&str, &str)]) -> Vec<String> {
    let named = images.iter().map(|(name, called)| {
        let called = if called.is_empty() { name } else { called };
        (Some(*name), *called)
    });
    apart(&named.collect::<Vec<_>>())
}

fn apart(called: &[(Option<&str>, &str)]) -> Vec<String> {
    let mut titles: Vec<String> = called.iter().map(|(_, called)| title(called)).collect();
    let alike = shared(called, &titles);
    for (title, (image, _)) in titles.iter_mut().zip(called) {
        if let Some(name) = image.filter(|_| alike.contains(title)) {
            append(title, &short(&text(name)));
        }
    }
    // Names that differ only in what a menu cannot show, or in what was left out of them.
    let alike = shared(called, &titles);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for title in titles.iter_mut().filter(|title| alike.contains(*title)) {
        let number = seen.entry(title.clone()).or_default();
        *number = number.saturating_add(1);
        append(title, &number.to_string());
    }
    titles
}

/// Titles that more than one image has.
fn shared(called: &[(Option<&str>, &str)], titles: &[String]) -> BTreeSet<String> {
    let mut images: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
    for (title, (image, _)) in titles.iter().zip(called) {
        images.entry(title).or_default().insert(*image);
    }
    let shared = images.into_iter().filter(|(_, images)| images.len() > 1);
    shared.map(|(title, _)| title.to_owned()).collect()
}

/// Puts a remark behind a title, which gives way. Both are ASCII.
fn append(title: &mut String, remark: &str) {
    let room = TITLE_CHARS_MAX.saturating_sub(remark.len().saturating_add(3));
    title.truncate(room);
    title.truncate(title.trim_end().len());
    title.push_str(&format!(" ({remark})"));
}

fn short(name: &str) -> String {
    if name.len() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let half = NAME_CHARS_MAX.saturating_sub(2) / 2;
    let (start, end) = (name.get(..half), name.get(name.len().saturating_sub(half)..));
    format!("{}..{}", start.unwrap_or_default(), end.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_titles_that_several_images_have_are_made_longer() {
        let titles =
            of_images(&[("a.iso", "Debian 12"), ("b.iso", "Debian 12"), ("c.iso", "Fedora")]);
        assert_eq!(titles, ["Debian 12 (a.iso)", "Debian 12 (b.iso)", "Fedora"]);
        assert_eq!(
            of_images(&[("a.iso", ""), ("b.iso", "a.iso")]),
            ["a.iso (a.iso)", "a.iso (b.iso)"]
        );
        let same = [(Some("a.iso"), "Live"), (Some("a.iso"), "Live"), (None, "local")];
        assert_eq!(apart(&same), ["Live", "Live", "local"], "they are of one image");
        let root = [(None, "x.efi"), (Some("x.iso"), "x.efi")];
        assert_eq!(apart(&root), ["x.efi", "x.efi (x.iso)"]);
    }

    #[test]
    fn long_titles_and_names_leave_room_for_the_difference() {
        let long = "x".repeat(100);
        let (one, other) =
            (format!("{}-1.iso", "n".repeat(200)), format!("{}-2.iso", "n".repeat(200)));
        let titles = of_images(&[(&one, &long), (&other, &long)]);
        assert!(titles.iter().all(|title| title.len() <= TITLE_CHARS_MAX), "{titles:?}");
        assert!(titles[0].ends_with("-1.iso)") && titles[1].ends_with("-2.iso)"), "{titles:?}");
        // What differs cannot be shown.
        let titles = of_images(&[("\u{e9}.iso", "A"), ("\u{e8}.iso", "A")]);
        assert_eq!(titles, ["A (?.iso) (1)", "A (?.iso) (2)"]);
    }
}
