//! What templates see (docs/menus.md). Texts are cleaned where they are printed, by the renderer; what is put together
//! here from checked parts is marked as safe.

mod entry;
mod titles;

use std::collections::BTreeMap;

use minijinja::Value;

use super::escape::{title, url_path};
use super::links::Links;
use super::{Client, Kind, LeftOut, Lock, Menu, MenuItem, Mode, Platform};
use crate::Piece;
use crate::limits::{MENU_FLAT_ITEMS_MAX, MENU_ITEMS_MAX};

type Map = BTreeMap<&'static str, Value>;

/// What iPXE tells of its machine, behind a `?`.
const QUERY: &str =
    "mac=${netX/mac}&platform=${platform}&buildarch=${buildarch}&memsize=${memsize}";

/// A text that needs no cleaning any more.
fn safe(text: String) -> Value {
    Value::from_safe_string(text)
}

/// The template's variables.
pub(super) fn of(menu: &Menu<'_>, kind: Kind) -> Value {
    let sorted = Sorted::of(menu, kind);
    let (timeout_s, locked) = match menu.mode {
        Mode::Choose { timeout_s, .. } => (timeout_s, menu.lock != Lock::Open),
        _ => (0, false),
    };
    let mut map = Map::new();
    map.insert("title", title(menu.title).into());
    map.insert("mode", mode_name(&menu.mode).into());
    map.insert("script", script(menu, kind));
    map.insert("timeout", timeout_s.into());
    map.insert("default", sorted.default_id.as_deref().unwrap_or("local").into());
    map.insert("locked", locked.into());
    // Whoever reads the text has the hash, so it is only where the loader has to check by itself.
    if let (Lock::Password { hash }, Kind::Grub) = (menu.lock, kind) {
        map.insert("hash", safe(hash.to_owned()));
    }
    map.insert("base", safe(menu.places.root.clone()));
    let http = menu.places.http.as_deref();
    map.insert("server", http.map(|http| safe(http.to_owned())).into());
    map.insert("beacon", beacon(menu, kind).map(safe).into());
    let unlock = http.filter(|_| kind == Kind::Ipxe && locked).and_then(unlock);
    map.insert("unlock", unlock.map(safe).into());
    let again = menu.ask_again.as_deref();
    let query = if kind == Kind::Grub { "mac=$net_default_mac" } else { QUERY };
    map.insert("ask_again", again.map(|url| safe(format!("{url}?{query}"))).into());
    let awaited =
        menu.awaited.as_ref().filter(|_| menu.mode == Mode::Boot && sorted.shown.is_empty());
    map.insert("awaited", awaited.map(Value::from).into());
    map.insert("client", client(&menu.client));
    let remarks: Vec<Value> = menu.remarks.iter().map(Value::from).collect();
    map.insert("remarks", remarks.into());
    sorted.tell(&mut map);
    Value::from(map)
}

const fn mode_name(mode: &Mode) -> &'static str {
    match mode {
        Mode::Choose { .. } => "choose",
        Mode::Boot => "boot",
        Mode::Local => "local",
        Mode::Script(_) => "script",
    }
}

/// The script's URL, or nothing if it cannot be told: then the machine is told why.
fn script(menu: &Menu<'_>, kind: Kind) -> Value {
    let Mode::Script(url) = &menu.mode else { return ().into() };
    let links = Links { kind, menu, image: None };
    links.piece(&Piece::Url(url.clone())).ok().map(safe).into()
}

/// What a machine fetches to say that it begins to boot.
fn beacon(menu: &Menu<'_>, kind: Kind) -> Option<String> {
    let mac = Links { kind, menu, image: None }.mac(':').ok();
    let server = match kind {
        Kind::Ipxe => menu.places.http.clone()?,
        Kind::Grub => {
            let (device, _) = menu.places.root.split_once(')').filter(|_| menu.places.encoded)?;
            format!("{device})")
        }
        Kind::Pxelinux => return None,
    };
    let mac = match kind {
        Kind::Grub => mac.unwrap_or_else(|| "$net_default_mac".to_owned()),
        _ => mac?,
    };
    Some(format!("{server}/booted?mac={mac}"))
}

/// The menu with name and password, which iPXE sends by HTTP Basic.
fn unlock(http: &str) -> Option<String> {
    let (scheme, server) = http.split_once("://")?;
    let login = "${username:uristring}:${password:uristring}";
    Some(format!("{scheme}://{login}@{server}/menu.ipxe?{QUERY}&unlock=1"))
}

fn client(client: &Client) -> Value {
    let mut map = Map::new();
    let platform = client.platform.map(|platform| match platform {
        Platform::Bios => "bios",
        Platform::Efi => "efi",
        Platform::Other => "other",
    });
    map.insert("platform", platform.into());
    map.insert("cpu", client.cpu.map(crate::Cpu::name).into());
    let mac = client.mac.map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":"));
    map.insert("mac", mac.into());
    map.insert("address", client.address.map(|address| address.to_string()).into());
    map.insert("memory", client.memory_mib.into());
    Value::from(map)
}

/// An item that is offered.
struct Shown<'m> {
    /// Name and title of its image.
    image: Option<(&'m str, &'m str)>,
    is_default: bool,
    value: Value,
}

/// The items that this machine is offered, and the others.
struct Sorted<'m> {
    shown: Vec<Shown<'m>>,
    left_out: Vec<Value>,
    default_id: Option<String>,
}

impl<'m> Sorted<'m> {
    fn of(menu: &Menu<'m>, kind: Kind) -> Self {
        let mut sorted = Self { shown: Vec::new(), left_out: Vec::new(), default_id: None };
        let (default, only_default) = match menu.mode {
            // GRUB asks for the password by itself; other loaders are told no more than they may have.
            Mode::Choose { default, .. } => {
                (default, menu.lock != Lock::Open && kind != Kind::Grub)
            }
            Mode::Boot => (None, false),
            _ => (None, true),
        };
        let items = menu.items.get(..MENU_ITEMS_MAX).unwrap_or(&menu.items);
        let titles = titles::of(items);
        for (index, (item, title)) in items.iter().zip(&titles).enumerate() {
            let is_default = default == Some(index) || menu.mode == Mode::Boot;
            if only_default && !is_default {
                continue;
            }
            let id = format!("e{index}");
            match entry::of(menu, kind, item, (&id, title), is_default) {
                Ok((value, is_certain)) => {
                    let image = item.image.map(|image| (image.name, image.title));
                    sorted.shown.push(Shown { image, is_default, value });
                    if is_default {
                        sorted.default_id.get_or_insert(id);
                    }
                    if menu.mode == Mode::Boot && is_certain {
                        break;
                    }
                }
                Err(why) => sorted.left_out.push(left_out(item, title, &why)),
            }
        }
        sorted
    }

    fn tell(self, map: &mut Map) {
        let all = self.shown.iter().map(|shown| shown.value.clone()).collect::<Vec<_>>();
        let mut groups: Vec<(&str, &str, Vec<Value>)> = Vec::new();
        let mut top = Vec::new();
        let is_long = all.len() > MENU_FLAT_ITEMS_MAX;
        for Shown { image, is_default, value } in self.shown {
            // What the time-out takes has to be in the first list.
            let Some((name, title)) = image.filter(|_| is_long && !is_default) else {
                top.push(value);
                continue;
            };
            match groups.last_mut().filter(|(last, ..)| *last == name) {
                Some((.., items)) => items.push(value),
                None => groups.push((name, title, vec![value])),
            }
        }
        let named = groups.iter().map(|(name, title, _)| (*name, *title));
        let titles = titles::of_images(&named.collect::<Vec<_>>());
        let groups = groups.into_iter().zip(titles).enumerate();
        let groups: Vec<Value> =
            groups.map(|(index, ((.., items), title))| group(index, title, items)).collect();
        map.insert("items", all.into());
        let mut first = Map::new();
        first.insert("title", ().into());
        first.insert("id", "menu".into());
        first.insert("items", top.into());
        let lists: Vec<Value> = [Value::from(first)].into_iter().chain(groups.clone()).collect();
        map.insert("lists", lists.into());
        map.insert("groups", groups.into());
        map.insert("left_out", self.left_out.into());
    }
}

/// What the machine does not have, if that is all there is.
pub(super) fn nothing_left(menu: &Menu<'_>, kind: Kind) -> Option<Vec<LeftOut>> {
    if menu.awaited.is_some() || matches!(menu.mode, Mode::Local | Mode::Script(_)) {
        return None;
    }
    let items = menu.items.get(..MENU_ITEMS_MAX).unwrap_or(&menu.items);
    let whys = items.iter().map(|item| entry::of(menu, kind, item, ("", ""), false).err());
    let whys = whys.collect::<Option<Vec<String>>>()?;
    let each = items.iter().zip(titles::of(items)).zip(whys);
    let left_out = each.map(|((item, title), why)| {
        let image = item.image.map(|image| image.name.to_owned());
        LeftOut { image, title, why }
    });
    Some(left_out.collect())
}

fn group(index: usize, title: String, items: Vec<Value>) -> Value {
    let mut map = Map::new();
    map.insert("id", format!("g{index}").into());
    map.insert("title", title.into());
    map.insert("items", items.into());
    Value::from(map)
}

fn left_out(item: &MenuItem<'_>, title: &str, why: &str) -> Value {
    let mut map = Map::new();
    map.insert("title", title.into());
    map.insert("image", item.image.map(|image| url_path(image.name)).into());
    map.insert("why", why.into());
    Value::from(map)
}
