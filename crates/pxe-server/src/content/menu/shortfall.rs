//! What is told of a text in which nothing boots the machine that gets it.

use pxe_image::menu::{Kind, LeftOut, Menu};
use pxe_select::{RAM_DISK_ENTRY, Target};

use super::Offer;
use super::target::image_name;
use crate::content::images::unfit;
use crate::engine::{Recipient, Shortfall};

/// Reasons that are told of one text; there may be thousands of images.
const REASONS_TOLD_MAX: usize = 3;

/// `None` where something is left for the machine, and of a server that has nothing at all.
pub(super) fn of(
    kind: Kind,
    menu: &Menu<'_>,
    recipient: &Recipient,
    offer: &Offer<'_>,
) -> Option<Shortfall> {
    let (reasons, is_meant) = match &recipient.target {
        Some(target) => {
            let left_out = menu.nothing_left(kind)?;
            (meant(target, left_out, menu, recipient, offer), true)
        }
        None => {
            let left_out = without_loaders(menu, offer).nothing_left(kind)?;
            (offered(&left_out, recipient, offer), false)
        }
    };
    let more = reasons.len().saturating_sub(REASONS_TOLD_MAX);
    let mut why: Vec<String> = reasons.into_iter().take(REASONS_TOLD_MAX).collect();
    if more > 0 {
        why.push(format!("and {more} more"));
    }
    (!why.is_empty()).then(|| Shortfall { why: why.join("; "), is_meant })
}

/// A loader of the root is among the choices, and whoever takes it is back at this menu.
fn without_loaders<'m>(menu: &Menu<'m>, offer: &Offer<'_>) -> Menu<'m> {
    let is_loader = |path: &str| offer.loaders.found().iter().any(|it| it.file_name == path);
    let mut others = menu.clone();
    others.items.retain(|item| item.image.is_some() || !is_loader(&item.entry.title));
    others
}

/// Why a machine cannot boot what it is to boot.
fn meant(
    target: &Target,
    left_out: Vec<LeftOut>,
    menu: &Menu<'_>,
    recipient: &Recipient,
    offer: &Offer<'_>,
) -> Vec<String> {
    if let Target::Image(image) = target {
        let name = image_name(image);
        let is_whole = image.split_once('#').is_some_and(|(_, entry)| entry == RAM_DISK_ENTRY);
        let info = offer.images.images.get(name).filter(|_| !is_whole);
        if let Some(why) = info.and_then(|info| unfit(name, info, recipient.firmware)) {
            return vec![why];
        }
    }
    // What has no entry that could be left out is in the remarks.
    match left_out.is_empty() {
        true => menu.remarks.clone(),
        false => left_out.iter().map(words).collect(),
    }
}

/// Why nothing that there is boots a machine; nothing is said as long as it is not known of an image what it is.
fn offered(left_out: &[LeftOut], recipient: &Recipient, offer: &Offer<'_>) -> Vec<String> {
    if offer.images.images.values().any(|info| info.is_awaited()) {
        return Vec::new();
    }
    let unfit_images: Vec<(&String, String)> = offer
        .images
        .images
        .iter()
        .filter_map(|(name, info)| Some((name, unfit(name, info, recipient.firmware)?)))
        .collect();
    let is_told = |image: &String| unfit_images.iter().any(|(name, _)| *name == image);
    let others = left_out.iter().filter(|it| !it.image.as_ref().is_some_and(is_told)).map(words);
    let others: Vec<String> = others.collect();
    unfit_images.into_iter().map(|(_, why)| why).chain(others).collect()
}

fn words(LeftOut { image, title, why, .. }: &LeftOut) -> String {
    match image {
        Some(image) => format!("{image}, {title}: {why}"),
        None => format!("{title}: {why}"),
    }
}
