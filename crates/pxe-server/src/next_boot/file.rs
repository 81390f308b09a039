//! How an order is written: in a line what is booted, then in lines of their own what spends it and when it was given.

use pxe_select::{NextBoot, Target};

use crate::engine::{Once, Order};

/// What the words of a command or of a file's first line order: `menu`, `local`, `image NAME` or `script NAME`.
pub fn parse(words: &str) -> Option<NextBoot> {
    let (what, name) = match words.split_once(' ') {
        Some((what, name)) => (what, Some(name.trim()).filter(|name| !name.is_empty())),
        None => (words, None),
    };
    Some(match (what, name) {
        ("menu", None) => NextBoot::Menu,
        ("local", None) => NextBoot::Boots(Target::Local),
        ("image", Some(image)) => NextBoot::Boots(Target::Image(image.to_owned())),
        ("script", Some(script)) => NextBoot::Boots(Target::Script(script.to_owned())),
        _ => return None,
    })
}

/// The same as words.
pub fn text(boots: &NextBoot) -> String {
    match boots {
        NextBoot::Boots(Target::Local) => "local".to_owned(),
        NextBoot::Boots(Target::Image(image)) => format!("image {image}"),
        NextBoot::Boots(Target::Script(script)) => format!("script {script}"),
        _ => "menu".to_owned(),
    }
}

impl core::fmt::Display for Once {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Delivered => "delivered",
        })
    }
}

pub(super) fn written(order: &Order) -> String {
    let Order { boots, once, given_ms } = order;
    format!("{}\nonce {once}\ngiven {given_ms}\n", text(boots))
}

/// An order that was written by hand needs its first line only.
pub(super) fn read(text: &str) -> Option<Order> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let boots = parse(lines.next()?)?;
    let mut order = Order { boots, once: Once::Done, given_ms: 0 };
    for line in lines {
        match line.split_once(' ')? {
            ("once", "done") => {}
            ("once", "delivered") => order.once = Once::Delivered,
            ("given", time) => order.given_ms = time.parse().ok()?,
            _ => return None,
        }
    }
    Some(order)
}
