//! What this machine lacks: loaders, images, addresses, the will to boot a machine.

use super::{Finding, listed};
use crate::content::{cannot_boot, image_named};
use crate::doctor::facts::{Facts, ImageSeen, Loader, Local, not_for};

pub(super) fn look(facts: &Facts, list: &mut Vec<Finding>) {
    let local = &facts.local;
    for address in &local.own_in_pool {
        list.push(Finding::fault(
            "own-address-in-pool",
            format!("{address} is this machine's own address, and one of its pools gives it away"),
            format!("exclude = [\"{address}\"] in its [[dhcp.subnet]], or a pool without it."),
        ));
    }
    denied(local, list);
    for (firmware, remedy) in local.missing.iter().filter(|_| local.configured) {
        let what = format!("there is no boot program for {firmware}");
        let finding = Finding::fault("loader-missing", what, remedy.clone());
        list.push(finding.of(firmware.name()));
    }
    for loader in &local.loaders {
        list.extend(self::loader(loader));
    }
    list.extend(unsigned(local));
    for image in &local.images {
        list.extend(self::image(image));
    }
}

fn denied(local: &Local, list: &mut Vec<Finding>) {
    for (machine, reason) in &local.denied {
        let what = format!("{machine} gets nothing from this server: {reason}");
        let advice = format!(
            "pxe-server explain {machine} shows every rule; boot = true in its [[host]], or mend the rule."
        );
        let is_asked = local.asked_as.as_ref() == Some(machine);
        list.push(match is_asked {
            true => Finding::fault("host-denied", what, advice),
            false => {
                Finding::note("host-denied", what, "Nothing needs to be done if that is meant.")
            }
        });
    }
}

fn loader(loader: &Loader) -> Option<Finding> {
    let Loader { firmware, file, path, .. } = loader;
    let what = not_for(loader.program?, *firmware, file)?;
    let finding = Finding::fault(
        "loader-wrong-architecture",
        format!("{file} ({path}) is {what}, and is the boot program for {firmware}"),
        format!(
            "Put a program for {firmware} there, or name another: [loaders] {firmware} = \"…\""
        ),
    );
    Some(finding.of(firmware.name()))
}

/// Told once: which of them Secure Boot will not start.
fn unsigned(local: &Local) -> Option<Finding> {
    let unsigned = local
        .loaders
        .iter()
        .filter(|it| it.firmware.is_uefi() && !it.is_signed && it.secure_boot.is_some());
    let names: Vec<String> = unsigned.map(|it| format!("{} ({})", it.file, it.firmware)).collect();
    (!names.is_empty()).then(|| {
        Finding::note(
            "loader-unsigned",
            format!("not signed, so machines with Secure Boot refuse it: {}", listed(&names)),
            "For Secure Boot name a signed shim and its GRUB, or switch it off on those machines.",
        )
    })
}

fn image(image: &ImageSeen) -> Option<Finding> {
    let ImageSeen { name, title, boots, not, by_ram_disk, .. } = image;
    let (firmware, why) = not.first()?;
    let rest: Vec<String> = boots.iter().chain(by_ram_disk).map(ToString::to_string).collect();
    let finding = match rest.is_empty() {
        true => Finding::fault(
            "image-cannot-boot",
            format!("{} boots on no machine over the network: {why}", image_named(name, title)),
            "docs/images.md tells how to teach the server an image; or take it away.",
        ),
        false => Finding::note(
            "image-cannot-boot",
            format!("{}; it boots on {}", cannot_boot(name, title, firmware, why), listed(&rest)),
            "Nothing needs to be done if there are no such machines.",
        ),
    };
    Some(Finding { firmware: not.iter().map(|(it, _)| it.to_string()).collect(), ..finding })
}
