//! Menus of [`BootEntry`]s, written for the loader that asks: an iPXE script, a GRUB configuration, a PXELINUX
//! configuration (which U-Boot, SLOF, IBM Z and petitboot read too).
//!
//! ```
//! use pxe_image::menu::{Client, Kind, Menu, Places, Renderer};
//!
//! let places = Places::over_http("http://192.0.2.5:8080");
//! let menu = Menu::new("Network boot", places, Client::default());
//! let script = Renderer::new().render(Kind::Ipxe, &menu).unwrap();
//! assert!(script.starts_with("#!ipxe\n"));
//! ```
//!
//! What a loader could take for its own syntax never reaches the text: see [`Renderer::with_template`].

mod escape;
mod fit;
mod links;
mod model;
mod render;
mod sample;
#[cfg(test)]
mod tests;

use core::fmt;
use core::net::IpAddr;

use crate::{BootEntry, Cpu};

pub(crate) use escape::url_path;
pub use render::{MenuFault, Renderer, TemplateFault};

/// The language of a menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// An iPXE script.
    Ipxe,
    /// `grub.cfg`.
    Grub,
    /// `pxelinux.cfg/…`.
    Pxelinux,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ipxe, Self::Grub, Self::Pxelinux];

    /// The file that may take the place of the built-in template.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Ipxe => "menu.ipxe.j2",
            Self::Grub => "grub.cfg.j2",
            Self::Pxelinux => "pxelinux.cfg.j2",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipxe => "iPXE",
            Self::Grub => "GRUB",
            Self::Pxelinux => "PXELINUX",
        })
    }
}

/// Where the loader finds what it loads, and where the system that boots finds the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Places {
    /// The HTTP server as the beginning of a URL, `http://192.0.2.5:8080`; `None` without one. Command lines name it.
    pub http: Option<String>,
    /// What the loader puts before a path beneath the root folder: `http://192.0.2.5:8080/boot/`, `tftp://192.0.2.5/`,
    /// `(http,192.0.2.5:8080)/boot/`, `/`.
    pub root: String,
    /// The same before the name of an image; `None` if images cannot be had that way.
    pub images: Option<String>,
    /// Names are percent-encoded, as HTTP wants them.
    pub encoded: bool,
}

impl Places {
    /// Files beneath `root` alone, as they are called there; change fields from there.
    #[must_use]
    pub fn new(root: impl Into<String>) -> Self {
        Self { http: None, root: root.into(), images: None, encoded: false }
    }

    /// Everything by HTTP for iPXE, with the paths that the server of this project has.
    #[must_use]
    pub fn over_http(server: &str) -> Self {
        Self {
            http: Some(server.to_owned()),
            root: format!("{server}/boot/"),
            images: Some(format!("{server}/images/")),
            encoded: true,
        }
    }

    /// The same for GRUB, which names a server as a device. Its HTTP speaks no TLS: `None` for `https://`.
    #[must_use]
    pub fn grub_over_http(server: &str) -> Option<Self> {
        let device = format!("(http,{})", server.strip_prefix("http://")?);
        Some(Self {
            http: Some(server.to_owned()),
            root: format!("{device}/boot/"),
            images: Some(format!("{device}/images/")),
            encoded: true,
        })
    }
}

/// Kinds of firmware, as far as menus care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Platform {
    /// PC BIOS.
    Bios,
    /// UEFI.
    Efi,
    /// What reads PXELINUX configurations by itself: U-Boot, SLOF, IBM Z.
    Other,
}

/// What is known of the machine that asks. Scripts of iPXE and GRUB find out themselves what is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// Its firmware.
    pub platform: Option<Platform>,
    /// Its processor; a BIOS machine's is not known.
    pub cpu: Option<Cpu>,
    /// Its hardware address.
    pub mac: Option<[u8; 6]>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// Its memory, in MiB.
    pub memory_mib: Option<u32>,
}

/// An image whose files an entry uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageRef<'m> {
    /// Its file name.
    pub name: &'m str,
    /// What people read.
    pub title: &'m str,
    /// The distribution's own first-stage loaders in the image, by processor: with Secure Boot they vouch for its kernel.
    pub shims: &'m [(Cpu, String)],
}

impl<'m> ImageRef<'m> {
    /// An image by its file name, and what people read of it; without shims.
    #[must_use]
    pub const fn new(name: &'m str, title: &'m str) -> Self {
        Self { name, title, shims: &[] }
    }

    /// The same with these ([`Recognition::shims`](crate::recognise::Recognition::shims)).
    #[must_use]
    pub const fn with_shims(self, shims: &'m [(Cpu, String)]) -> Self {
        Self { shims, ..self }
    }
}

/// One choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MenuItem<'m> {
    /// The image it is from; `None` for what lies in the root folder.
    pub image: Option<ImageRef<'m>>,
    /// How it boots.
    pub entry: &'m BootEntry,
}

impl<'m> MenuItem<'m> {
    /// What lies in the root folder.
    #[must_use]
    pub const fn new(entry: &'m BootEntry) -> Self {
        Self { image: None, entry }
    }

    /// What is from this image.
    #[must_use]
    pub const fn of_image(image: ImageRef<'m>, entry: &'m BootEntry) -> Self {
        Self { image: Some(image), entry }
    }

    /// Whether a machine can boot it by a loader of this kind, as far as both are known.
    #[must_use]
    pub fn fits(&self, kind: Kind, client: &Client) -> bool {
        fit::tests(self.entry, kind, client).is_ok()
    }
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// People choose.
    Choose {
        /// Seconds until the default is taken; 0 waits for ever.
        timeout_s: u32,
        /// Which of [`Menu::items`] that is; `None` for the local disk.
        default: Option<usize>,
    },
    /// The first of the items that the machine can boot is booted, and nobody is asked.
    Boot,
    /// The local disk boots.
    Local,
    /// iPXE goes on with the script at this URL.
    Script(String),
}

/// Who may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lock<'m> {
    /// Everybody.
    Open,
    /// Whoever knows the password; others get the default and the local disk. iPXE asks the server with it.
    Password {
        /// Its hash as `grub-mkpasswd-pbkdf2` writes it. Only GRUB gets to see it, because it has to check by itself.
        hash: &'m str,
    },
}

/// Everything that a menu is written from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Menu<'m> {
    /// Its title.
    pub title: &'m str,
    /// Where files are.
    pub places: Places,
    /// Whom it is for.
    pub client: Client,
    /// What there is, for whatever machine; at most [`crate::limits::MENU_ITEMS_MAX`] are looked at.
    pub items: Vec<MenuItem<'m>>,
    /// What happens.
    pub mode: Mode,
    /// Who may choose.
    pub lock: Lock<'m>,
    /// The same menu for a machine that says who it is: `?mac=…` is put behind it. iPXE goes there at once, by a URL; GRUB
    /// offers it, as a path on a device: where the menu came by TFTP it may or may not have HTTP.
    pub ask_again: Option<String>,
    /// What is to boot and is not known yet, such as the name of an image that is still looked at. In [`Mode::Boot`] without
    /// an item that fits, the machine then asks for this text again every few seconds instead of giving up.
    pub awaited: Option<String>,
    /// Lines for those who read the text.
    pub remarks: Vec<String>,
}

impl<'m> Menu<'m> {
    /// An empty menu, which waits 20 seconds and then boots the local disk.
    #[must_use]
    pub const fn new(title: &'m str, places: Places, client: Client) -> Self {
        Self {
            title,
            places,
            client,
            items: Vec::new(),
            mode: Mode::Choose { timeout_s: 20, default: None },
            lock: Lock::Open,
            ask_again: None,
            awaited: None,
            remarks: Vec::new(),
        }
    }

    /// Why nothing of this boots on the machine by a loader of this kind: each choice that it does not have, also of those
    /// behind a password. `None` where a choice is left, even one that the loader has yet to try; and where the local disk
    /// or a script is to boot, or it is not known yet what.
    #[must_use]
    pub fn nothing_left(&self, kind: Kind) -> Option<Vec<LeftOut>> {
        model::nothing_left(self, kind)
    }
}

/// A choice that a machine does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The image it is from, by its file name; `None` for what lies in the root folder.
    pub image: Option<String>,
    /// What people would read.
    pub title: String,
    /// Why, in plain words.
    pub why: String,
}
