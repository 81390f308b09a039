//! How a loader shows that it runs.

use core::time::Duration;

use super::{Signs, fetched, matches_a_file};
use crate::lab::evidence::{Evidence, Transfer};
use crate::lab::packets::DISCOVER;
use crate::lab::wire::SERVER_ADDRESS;

/// When the loader first did what only it does, or what is still to be seen.
pub(super) fn running(
    signs: Signs,
    evidence: &Evidence,
    loader: &Transfer,
    done: Duration,
    screen: &str,
) -> Result<Duration, &'static str> {
    let later = |transfer: &&Transfer| transfer.at >= done;
    match signs {
        Signs::Ipxe => {
            let asked = evidence.dhcp.iter().find(|message| {
                !message.is_reply
                    && message.at >= done
                    && message.message_type == DISCOVER
                    && message.user_class.windows(4).any(|word| word == b"iPXE")
            });
            let asked = asked.ok_or("iPXE's own DHCPDISCOVER")?;
            let script = evidence.completed().filter(later).find(|transfer| {
                transfer.server == SERVER_ADDRESS && transfer.content.starts_with(b"#!ipxe")
            });
            script.map(|_| asked.at).ok_or("iPXE's script, whole and from our address")
        }
        Signs::IpxeMenu => {
            let title = menu_title(&loader.content).ok_or("a menu in the script")?;
            if screen.contains(title) { Ok(done) } else { Err("the script's menu on the screen") }
        }
        Signs::Pxelinux => {
            let module = fetched(evidence, "ldlinux.c32").filter(|module| later(module));
            module.ok_or("PXELINUX's module ldlinux.c32")?;
            let search = |transfer: &&Transfer| transfer.name.starts_with(b"pxelinux.cfg/");
            let asked = evidence.transfers.iter().filter(later).find(search);
            asked.map(|asked| asked.at).ok_or("PXELINUX's search in pxelinux.cfg/")
        }
        Signs::Grub => grub_search(evidence, done).ok_or("GRUB's search for its configuration"),
        Signs::ShimMenu { second_stage, from } => {
            let grub = fetched_by_shim(evidence, done, second_stage, from)?;
            let config = evidence.completed().find(|transfer| {
                transfer.at >= grub
                    && transfer.server == SERVER_ADDRESS
                    && transfer.base_name() == b"grub.cfg"
            });
            let config = config.ok_or("GRUB's configuration, whole and from our address")?;
            let entry = grub_entry(&config.content).ok_or("a menu in GRUB's configuration")?;
            if screen.contains(entry) { Ok(grub) } else { Err("GRUB's menu on the screen") }
        }
        Signs::Shim { second_stage, from } => {
            let grub = fetched_by_shim(evidence, done, second_stage, from)?;
            let prompt = screen.contains("grub>").then_some(grub);
            grub_search(evidence, grub).or(prompt).ok_or("GRUB's search or prompt")
        }
    }
}

/// When shim had the second stage.
fn fetched_by_shim(
    evidence: &Evidence,
    done: Duration,
    second_stage: &str,
    from: &[&str],
) -> Result<Duration, &'static str> {
    let grub = fetched(evidence, second_stage).filter(|grub| grub.at >= done);
    let grub = grub.filter(|grub| matches_a_file(&grub.content, from));
    let grub = grub.and_then(|grub| grub.completed);
    grub.ok_or("shim's second stage, whole and from our address")
}

/// The title of the first entry of a configuration for GRUB.
fn grub_entry(config: &[u8]) -> Option<&str> {
    let config = core::str::from_utf8(config).ok()?;
    let rest = config.lines().find_map(|line| line.trim().strip_prefix("menuentry '"))?;
    rest.split('\'').next().filter(|title| !title.is_empty())
}

/// GRUB's first request of its own. Beside a DHCP server that fills in its own `siaddr` it goes to
/// that server: it proves that GRUB runs all the same.
fn grub_search(evidence: &Evidence, since: Duration) -> Option<Duration> {
    let own = |transfer: &&Transfer| {
        let name = transfer.name.to_ascii_lowercase();
        transfer.at >= since
            && [&b".lst"[..], b".cfg", b".mod"].iter().any(|ending| name.ends_with(ending))
            && name.windows(4).any(|word| word == b"grub")
    };
    evidence.transfers.iter().find(own).map(|transfer| transfer.at)
}

/// The title of the first menu in an iPXE script, up to its first variable.
fn menu_title(script: &[u8]) -> Option<&str> {
    let script = core::str::from_utf8(script).ok()?;
    let title = script.lines().find_map(|line| line.trim().strip_prefix("menu "))?;
    let title = title.split("${").next().unwrap_or(title).trim();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_is_what_the_screen_can_show() {
        let script = b"#!ipxe\n:top\nmenu Boot from ${net0/ip}\nitem a A\n";
        assert_eq!(menu_title(script), Some("Boot from"));
        assert_eq!(menu_title(b"#!ipxe\nshell\n"), None);
    }
}
