//! What stands behind a step of the story: the fields of the packet that decided, and every rule that was tried.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::borrow::Cow;
use std::sync::Arc;

use pxe_dhcp::MessageView;
use pxe_select::{Asker, Reasons};
use pxe_tftp::Request;
use serde::{Deserialize, Serialize};

use super::describe::describe_dhcp;
use super::event::printable;

/// Options of a TFTP request that are told; real clients send four.
const OPTIONS_TOLD: usize = 8;

/// What an event rests on. Shared by all that tell it, so that nobody copies texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// The client's address, if the packet tells it.
    pub address: Option<IpAddr>,
    /// What the packet said, as far as it matters.
    pub fields: Arc<Vec<Field>>,
    /// Every reason of the decision, those that lost included; the last one decided.
    pub reasons: Arc<Vec<String>>,
}

/// One field of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub struct Field {
    /// Its name, with the number of the option if it is one.
    #[cfg_attr(feature = "admin", schema(value_type = String))]
    pub name: Cow<'static, str>,
    /// Its value, printable.
    pub value: String,
}

impl Field {
    /// A field of this name.
    pub fn new(name: &'static str, value: impl ToString) -> Self {
        Self { name: Cow::Borrowed(name), value: value.to_string() }
    }
}

impl Detail {
    /// Of a client's DHCP message.
    pub(super) fn of_message(view: &MessageView<'_>) -> Self {
        let facts = view.boot_facts();
        let mut fields = Vec::with_capacity(12);
        let what = view.message_type().map_or_else(|| "BOOTP".to_owned(), |it| it.to_string());
        fields.push(Field::new("message", what));
        fields.push(Field::new("transaction", format_args!("{:#010x}", view.transaction_id())));
        let mut texts = |name, value: Option<&[u8]>| {
            if let Some(value) = value {
                fields.push(Field::new(name, printable(value)));
            }
        };
        texts("class (60)", facts.vendor_class);
        texts("user class (77)", facts.user_class);
        let archs: Vec<String> =
            facts.archs.iter().take(OPTIONS_TOLD).map(|it| it.to_string()).collect();
        if !archs.is_empty() {
            fields.push(Field::new("architecture (93)", archs.join(", ")));
        }
        let mut addresses = |name, address: Option<Ipv4Addr>| {
            if let Some(address) = address.filter(|address| !address.is_unspecified()) {
                fields.push(Field::new(name, address));
            }
        };
        addresses("own address", Some(view.client_address()));
        addresses("wants address (50)", facts.requested_address);
        addresses("speaks to server (54)", facts.server_identifier);
        addresses("relay", Some(view.relay_address()));
        if let Some(bytes) = facts.max_message_size {
            fields.push(Field::new("largest message (57)", bytes));
        }
        if facts.ipxe.is_some() {
            fields.push(Field::new("iPXE options (175)", "yes"));
        }
        let address = Some(view.client_address()).filter(|address| !address.is_unspecified());
        Self::of_fields(address.map(IpAddr::V4), fields)
    }

    /// Of a server's message to a client. The address in it need not be the client's.
    pub(super) fn of_reply(datagram: &[u8], source: SocketAddrV4) -> Self {
        let (what, mut fields) = describe_dhcp(datagram);
        fields.insert(0, Field::new("message", what));
        fields.insert(1, Field::new("from", source));
        Self::of_fields(None, fields)
    }

    /// Of a TFTP request.
    pub(super) fn of_request(request: &Request<'_>, source: SocketAddr, asker: Asker) -> Self {
        let mut fields = vec![
            Field::new("from", source),
            Field::new("program", asker),
            Field::new("asks for", printable(request.file_name())),
        ];
        for option in request.raw_options().iter().take(OPTIONS_TOLD) {
            let name = Cow::Owned(printable(option.name));
            fields.push(Field { name, value: printable(option.value) });
        }
        Self::of_fields(Some(source.ip()), fields)
    }

    /// Of a request that tells no more than who asked and with which program.
    pub fn of_asker(address: IpAddr, asker: Asker, method: &str, asked: &[u8]) -> Self {
        let fields = vec![
            Field::new("from", address),
            Field::new("program", asker),
            Field::new("asks for", format_args!("{method} {}", printable(asked))),
        ];
        Self::of_fields(Some(address), fields)
    }

    fn of_fields(address: Option<IpAddr>, fields: Vec<Field>) -> Self {
        Self { address, fields: Arc::new(fields), reasons: Arc::default() }
    }

    /// With the reasons of a decision.
    pub fn with_reasons(mut self, reasons: &Reasons) -> Self {
        self.reasons = Arc::new(reason_lines(reasons));
        self
    }

    /// With the boot server that our answer names, which is where its client goes next.
    pub(super) fn with_boot_server(mut self, server: Ipv4Addr) -> Self {
        Arc::make_mut(&mut self.fields)
            .push(Field::new("our answer's boot server (siaddr)", server));
        self
    }

    /// With the address that a client has, or is given.
    pub(super) fn with_address(mut self, address: Option<Ipv4Addr>) -> Self {
        self.address = address.map(IpAddr::V4).or(self.address);
        self
    }
}

/// The reasons, one text each; a last one counts those that found no room.
pub fn reason_lines(reasons: &Reasons) -> Vec<String> {
    let mut lines: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    if reasons.omitted() > 0 {
        lines.push(format!("(and {} more that did not apply)", reasons.omitted()));
    }
    lines
}
