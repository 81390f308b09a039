//! What stands in a reply.

use core::net::Ipv4Addr;

use super::answer::{BootAnswer, Lease, ServerAnswer, ServerAnswerError};
use super::{Denial, LinkSource, ServerMessage, ServerRequest, ServerRequestKind};
use crate::options::OptionSet;
use crate::respond::ProxyStyle;
use crate::respond::phrase::{self, ClientClass, FileOption};
use crate::{EncodeError, Message, MessageKind, MessageType, OptionCode};

/// Fills the OFFER, ACK or BOOTP reply that gives what `answer` says.
pub(super) fn fill(
    message: &mut Message,
    request: &ServerRequest<'_>,
    answer: &ServerAnswer<'_>,
) -> Result<(), ServerAnswerError> {
    let asked = request.message();
    let lease = lease_of(request, answer)?;
    match request.kind() {
        ServerRequestKind::Bootp => message.reset_bootp_reply_to(asked.view()),
        kind => message.reset_reply_to(asked.view(), reply_type(kind)),
    }
    if request.kind() != ServerRequestKind::Discover {
        message.set_client_address(asked.view().client_address());
    }
    push_server(message, asked, answer.server);
    if let Some(lease) = lease {
        message.set_your_address(lease.address);
        if request.kind() != ServerRequestKind::Bootp {
            push_times(message, &lease);
        }
    }
    message.push(OptionCode::SUBNET_MASK, &answer.subnet_mask.octets());
    push_configured(message, asked, answer);
    if let Some(boot) = &answer.boot {
        push_boot(message, asked, boot, answer.server)?;
    }
    message.push_from(asked.view(), OptionCode::MACHINE_ID);
    if asked.link().source == LinkSource::SubnetSelection {
        message.push_from(asked.view(), OptionCode::SUBNET_SELECTION);
    }
    Ok(())
}

/// Fills a NAK: no addresses, and no options but who says no and why (RFC 2131 table 3).
pub(super) fn fill_refusal(
    message: &mut Message,
    asked: &ServerMessage<'_>,
    server: Ipv4Addr,
    denial: Denial,
) {
    message.reset_reply_to(asked.view(), MessageType::NAK);
    push_server(message, asked, server);
    message.push_with(OptionCode::MESSAGE, |value| {
        value.extend_from_slice(alloc::format!("{denial}").as_bytes());
    });
}

/// What an answer to this is called.
pub(super) fn reply_type(kind: ServerRequestKind) -> MessageType {
    match kind {
        ServerRequestKind::Discover => MessageType::OFFER,
        // A BOOTP reply has no type, and goes where an ACK would go.
        ServerRequestKind::Request(_) | ServerRequestKind::Inform | ServerRequestKind::Bootp => {
            MessageType::ACK
        }
    }
}

fn lease_of(
    request: &ServerRequest<'_>,
    answer: &ServerAnswer<'_>,
) -> Result<Option<Lease>, ServerAnswerError> {
    let Some(lease) = answer.lease else {
        return match request.kind() {
            ServerRequestKind::Inform => Ok(None),
            _ => Err(ServerAnswerError::LeaseMissing),
        };
    };
    if lease.seconds == 0 {
        return Err(ServerAnswerError::LeaseEmpty);
    }
    match (request.kind(), request.message().address()) {
        (ServerRequestKind::Inform, _) => Err(ServerAnswerError::LeaseUnasked),
        (ServerRequestKind::Request(_), Some(asked)) if asked != lease.address => {
            Err(ServerAnswerError::OtherAddress { asked, given: lease.address })
        }
        _ => Ok(Some(lease)),
    }
}

/// Option 54, which BOOTP does not know. A relay may want itself there, so that it sees renewals.
fn push_server(message: &mut Message, asked: &ServerMessage<'_>, server: Ipv4Addr) {
    let server = asked.server_identifier_override().unwrap_or(server);
    message.push(OptionCode::SERVER_IDENTIFIER, &server.octets());
}

fn push_times(message: &mut Message, lease: &Lease) {
    message.push_seconds(OptionCode::LEASE_TIME, lease.seconds);
    if let Some((renewal, rebinding)) = lease.times() {
        message.push_seconds(OptionCode::RENEWAL_TIME, renewal);
        message.push_seconds(OptionCode::REBINDING_TIME, rebinding);
    }
}

/// The configured options that the client asks for; all, if it does not say what it wants.
fn push_configured(message: &mut Message, asked: &ServerMessage<'_>, answer: &ServerAnswer<'_>) {
    let wanted = Wanted::of(asked);
    for option in answer.options.iter().copied().flat_map(OptionSet::iter) {
        // What a general layer forces upon clients, a special one may still change.
        let is_given = message.value(option.code).is_some();
        let is_wanted = option.forced || is_given || wanted.has(option.code);
        if is_wanted && !belongs_to_boot(option.code, asked, answer) {
            message.push(option.code, &option.value);
        }
    }
}

/// Whether an option is the boot answer's to set, whatever is configured.
fn belongs_to_boot(code: OptionCode, asked: &ServerMessage<'_>, answer: &ServerAnswer<'_>) -> bool {
    let decides = asked.class().is_some() || answer.boot.is_some();
    match code {
        OptionCode::VENDOR_SPECIFIC | OptionCode::TFTP_SERVER_NAME | OptionCode::BOOT_FILE_NAME => {
            decides
        }
        // EDK2 takes it for the exact size of what it fetches.
        OptionCode::BOOT_FILE_SIZE => decides,
        _ => false,
    }
}

/// The codes of option 55.
struct Wanted([u64; 4], bool);

impl Wanted {
    fn of(asked: &ServerMessage<'_>) -> Self {
        let mut codes = [0; 4];
        let mut is_given = false;
        for part in asked.view().parts(OptionCode::PARAMETER_REQUEST_LIST) {
            is_given = true;
            for code in part {
                codes[usize::from(code >> 6)] |= 1 << (code & 63);
            }
        }
        Self(codes, is_given)
    }

    fn has(&self, code: OptionCode) -> bool {
        !self.1 || self.0[usize::from(code.0 >> 6)] & 1 << (code.0 & 63) != 0
    }
}

/// The boot fields, by the same rules as in a proxy's answer but for one: the client has its address
/// from us too, so UEFI firmware needs to be told nothing but server and file, and boots from them
/// without asking on port 4011 (`PxeBcSelectDhcp4Offer`, an offer with a boot file).
fn push_boot(
    message: &mut Message,
    asked: &ServerMessage<'_>,
    boot: &BootAnswer<'_>,
    server: Ipv4Addr,
) -> Result<(), EncodeError> {
    message.set_server_address(boot.next_server.unwrap_or(server));
    let option = match asked.class() {
        Some(ClientClass::Http) if !boot.file.is_empty() => FileOption::Terminated,
        // Loaders of other systems (petitboot, s390) read option 67, and without a NUL. BOOTP has room
        // for 59 bytes of options, and a field for the name.
        None if asked.view().kind() == MessageKind::Dhcp
            && Wanted::of(asked).has(OptionCode::BOOT_FILE_NAME) =>
        {
            FileOption::Plain
        }
        _ => FileOption::IfLong,
    };
    phrase::fill_boot_file(message, option, boot.file)?;
    match asked.class() {
        Some(ClientClass::Http) => phrase::push_class(message, ClientClass::Http),
        Some(ClientClass::Pxe) => {
            let usual = asked.default_style();
            let style = boot.style.unwrap_or(usual).phrase(usual);
            if style != ProxyStyle::RaspberryPi {
                phrase::require_boot_file(boot.file)?;
            }
            phrase::push(message, asked.facts(), style, server);
            if message.value(OptionCode::VENDOR_SPECIFIC).is_some() {
                phrase::push_class(message, ClientClass::Pxe);
            }
        }
        // They read the header.
        Some(ClientClass::UBoot) | None => {}
    }
    Ok(())
}
