//! Whether the file that a machine is told is there, and a program for that machine.

use core::net::{IpAddr, Ipv4Addr};
use std::io;
use std::sync::Arc;

use pxe_image::ReadAt;
use pxe_select::{Action, Firmware};

use crate::config::Config;
use crate::content::{self, Content, Finder, IMAGES, Links, Loaders, signed};
use crate::engine::{ContentError, printable};

struct Program(Content);

impl ReadAt for Program {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }

    fn size(&self) -> u64 {
        self.0.size()
    }
}

/// What is wrong with the boot program that this firmware is told, and the one thing to do; none for what other servers
/// have, what is made up, and what images hold.
pub(super) fn fault(
    config: &Config,
    loaders: &Loaders,
    firmware: Option<Firmware>,
    action: &Action<'_>,
) -> Option<String> {
    let name = name_here(action)?;
    let shared = Arc::new(content::Shared::new(loaders.clone()));
    let finder = Finder::new(config.root.clone(), shared);
    let links = Links::tftp(IpAddr::V4(Ipv4Addr::UNSPECIFIED), config.tftp.port);
    let (shown, root) = (printable(name), config.root.display());
    let content = match finder.find(name, None, &links) {
        Ok(content) => content,
        Err(ContentError::NotFound) => {
            return Some(format!(
                "there is no {shown} in {root}, so the machine will be refused it: put it there, or name another file"
            ));
        }
        Err(error) => return Some(format!("{shown} in {root} {error}")),
    };
    let wrong = signed::wrong_machine(&Program(content), &shown, firmware?)?;
    Some(format!("{wrong}; docs/loaders.md lists what each firmware starts"))
}

/// The name beneath our root that this stands for.
fn name_here<'a>(action: &'a Action<'_>) -> Option<&'a [u8]> {
    let name = match action {
        Action::File { name, .. } => &name[..],
        Action::Url(url) => {
            let (scheme, _) = url.split_once("{server}")?;
            let (_, name) = url.split_once("/boot/")?;
            scheme.starts_with("http").then_some(name.as_bytes())?
        }
        _ => return None,
    };
    let name = name.strip_prefix(b"/").unwrap_or(name);
    (!name.starts_with(IMAGES)).then_some(name)
}
