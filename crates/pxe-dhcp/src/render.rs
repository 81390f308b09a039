//! A message as text, one fact a line, for logs and for comparing.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::fmt;

use crate::code::OptionCode;
use crate::header::MessageKind;
use crate::options::{Hex, OptionValue, VendorClass};
use crate::view::{Area, MessageView};

/// The message, one fact a line: what the header says, each option in wire order with its typed value, then the
/// anomalies. The form is for people and tests, and may change.
impl fmt::Display for MessageView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        header(self, f)?;
        match self.kind() {
            MessageKind::Bootp => {}
            _ => options(self, f)?,
        }
        for anomaly in self.anomalies() {
            writeln!(f, "anomaly at {}: {}", anomaly.offset, anomaly.kind)?;
        }
        Ok(())
    }
}

impl fmt::Debug for MessageView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageView")
            .field("operation", &self.operation())
            .field("kind", &self.kind())
            .field("message_type", &self.message_type())
            .field("transaction_id", &format_args!("{:#010x}", self.transaction_id()))
            .field("bytes", &self.datagram().len())
            .finish_non_exhaustive()
    }
}

fn header(view: &MessageView<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{:?}, {:?}", view.operation(), view.kind())?;
    if let Some(message_type) = view.message_type() {
        write!(f, " {message_type}")?;
    }
    writeln!(f, ", {} bytes", view.datagram().len())?;
    writeln!(f, "hardware {} {}", view.hardware_type(), Hex(view.hardware_address()))?;
    writeln!(f, "hops {}", view.hops())?;
    writeln!(f, "xid {:#010x}", view.transaction_id())?;
    writeln!(f, "secs {}", view.seconds())?;
    writeln!(f, "flags {:?}", view.flags())?;
    writeln!(f, "ciaddr {}", view.client_address())?;
    writeln!(f, "yiaddr {}", view.your_address())?;
    writeln!(f, "siaddr {}", view.server_address())?;
    writeln!(f, "giaddr {}", view.relay_address())?;
    writeln!(f, "sname \"{}\"", view.server_name().escape_ascii())?;
    writeln!(f, "file \"{}\"", view.boot_file().escape_ascii())
}

fn options(view: &MessageView<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let class = VendorClass::new(view.first(OptionCode::VENDOR_CLASS).unwrap_or_default());
    for option in view.options() {
        write!(f, "option {}", option.code)?;
        if option.area != Area::Options {
            write!(f, " in {:?}", option.area)?;
        }
        write!(f, ": ")?;
        match OptionValue::decode(option.code, option.value, class.space()) {
            Ok(value) => write!(f, "{value}")?,
            Err(error) => write!(f, "{} ({error})", Hex(option.value))?,
        }
        writeln!(f)?;
    }
    Ok(())
}
