//! From pieces and placeholders to what the loader is told.

use super::escape::{grub_word, objection, url_path};
use super::{Kind, Menu};
use crate::Piece;

/// Makes the links of one item.
pub(super) struct Links<'l, 'm> {
    pub(super) kind: Kind,
    pub(super) menu: &'l Menu<'m>,
    /// The image's name.
    pub(super) image: Option<&'l str>,
}

impl Links<'_, '_> {
    /// Where the loader gets a piece; else why it cannot.
    pub(super) fn piece(&self, piece: &Piece) -> Result<String, String> {
        let places = &self.menu.places;
        match piece {
            Piece::Root(path) => self.joined(&places.root, path),
            Piece::Inside(path) => {
                let path = path.trim_start_matches('/');
                self.joined(self.images()?, &format!("{}/files/{path}", self.image()?))
            }
            Piece::Whole => self.joined(self.images()?, self.image()?),
            Piece::Url(url) => self.url(url),
        }
    }

    fn images(&self) -> Result<&str, String> {
        let images = self.menu.places.images.as_deref();
        images.ok_or_else(|| {
            "images are served by HTTP, which this loader or server has not".to_owned()
        })
    }

    fn image(&self) -> Result<&str, String> {
        self.image.ok_or_else(|| "it belongs to no image".to_owned())
    }

    fn joined(&self, place: &str, path: &str) -> Result<String, String> {
        if self.menu.places.encoded || self.kind == Kind::Ipxe {
            return Ok(format!("{place}{}", url_path(path)));
        }
        if path.chars().any(char::is_control) {
            return Err("its path has a control character".to_owned());
        }
        match self.kind {
            Kind::Grub => Ok(grub_word(&format!("{place}{path}"))),
            _ if path.contains(char::is_whitespace) => {
                Err("its path has a blank, which PXELINUX cannot say".to_owned())
            }
            _ => Ok(format!("{place}{path}")),
        }
    }

    /// A URL as it was given.
    fn url(&self, url: &str) -> Result<String, String> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'`\\<>|;$".contains(&byte);
        if !url.bytes().all(is_plain) {
            return Err(format!("{url:?} is no URL that a loader can be told"));
        }
        let url = self.filled(url)?;
        if self.kind != Kind::Grub {
            return Ok(url);
        }
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !matches!(scheme, "http" | "tftp") || server.is_empty() {
            return Err(format!("GRUB has no way to fetch {url}"));
        }
        Ok(format!("({scheme},{server}){}", grub_word(&format!("/{path}"))))
    }

    /// A command line, with its placeholders filled in and still without quotes.
    pub(super) fn filled(&self, text: &str) -> Result<String, String> {
        if let Some(why) = objection(self.kind, text) {
            return Err(format!("of its command line: {why}"));
        }
        let mut filled = text.trim().to_owned();
        for name in ["{files}", "{image}", "{net}", "{server}", "{seed}", "{mac}", "{mac-hyphen}"] {
            if filled.contains(name) {
                filled = filled.replace(name, &self.placeholder(name)?);
            }
        }
        Ok(filled)
    }

    fn placeholder(&self, name: &str) -> Result<String, String> {
        match name {
            "{mac}" => return self.mac(':'),
            "{mac-hyphen}" => return self.mac('-'),
            // It is the loader itself that fetches it, by the way that it has.
            "{net}" if self.kind == Kind::Pxelinux && !self.menu.places.encoded => {
                let path = format!("{}/{}", self.image()?, self.net());
                return self.joined(self.images()?, &path);
            }
            _ => {}
        }
        let http = self.menu.places.http.as_deref();
        let http = http.ok_or("its system fetches the rest by HTTP, which is off")?;
        Ok(match name {
            "{server}" => http.split_once("://").map_or(http, |(_, server)| server).to_owned(),
            "{seed}" => format!("{http}/seed/{}", self.mac('-')?),
            "{image}" => format!("{http}/images/{}", url_path(self.image()?)),
            "{net}" => format!("{http}/images/{}/{}", url_path(self.image()?), self.net()),
            _ => format!("{http}/images/{}/files", url_path(self.image()?)),
        })
    }

    /// The folder of what is made of an image: for one machine, named as loaders of old name it, if that is known.
    fn net(&self) -> String {
        self.mac('-').map_or_else(|_| "net".to_owned(), |mac| format!("net/01-{mac}"))
    }

    /// The machine's address; of a machine that is not known iPXE fills it in.
    pub(super) fn mac(&self, separator: char) -> Result<String, String> {
        if let Some(mac) = self.menu.client.mac {
            let pairs = mac.map(|byte| format!("{byte:02x}"));
            return Ok(pairs.join(&separator.to_string()));
        }
        match (self.kind, separator) {
            (Kind::Ipxe, ':') => Ok("${netX/mac}".to_owned()),
            (Kind::Ipxe, _) => Ok("${netX/mac:hexhyp}".to_owned()),
            _ => Err("the machine's hardware address is not known here".to_owned()),
        }
    }
}
