//! What must hold for every message, tried on many random ones. A failure prints its seed; `PXE_SEED=n` runs that
//! case alone, `PXE_CASES=n` so many of them.

use std::borrow::Cow;

use pxe_dhcp::{
    Flags, HardwareType, LengthRule, Message, MessageType, MessageView, Operation, OptionCode,
    SizeBudget, fuzz,
};

const CASES: u64 = 2000;

/// SplitMix64: small, and any seed is as good as any other.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// Says which case failed.
struct Case(u64);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with PXE_SEED={}", self.0);
        }
    }
}

fn for_each_case(mut check: impl FnMut(&mut Random)) {
    let fixed = std::env::var("PXE_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let cases = std::env::var("PXE_CASES").ok().map(|count| count.parse().expect("a number"));
    let seeds = fixed.map_or_else(|| 0..cases.unwrap_or(CASES), |seed: u64| seed..seed + 1);
    for seed in seeds {
        let _case = Case(seed);
        check(&mut Random(seed));
    }
}

/// A value of a length the option may have.
fn value_for(random: &mut Random, code: OptionCode) -> Vec<u8> {
    let units = 1 + random.below(4);
    let length = match (code.length_rule(), code.firmware_length_rule()) {
        (LengthRule::Exactly(0), _) => 1,
        (LengthRule::Exactly(exact), _) => usize::from(exact),
        (LengthRule::MultipleOf(unit), _) => usize::from(unit) * units,
        (LengthRule::AtLeast(least), _) => usize::from(least) + random.below(40),
        (other, _) => panic!("no value is made for {other:?}"),
    };
    random.bytes(length)
}

fn random_options(random: &mut Random, count: usize) -> Vec<(OptionCode, Vec<u8>)> {
    let mut options: Vec<(OptionCode, Vec<u8>)> = Vec::new();
    for _ in 0..count {
        let code = OptionCode(1 + random.below(254) as u8);
        let reserved = matches!(code, OptionCode::OVERLOAD | OptionCode::MESSAGE_TYPE);
        if !reserved && options.iter().all(|(other, _)| *other != code) {
            let value = value_for(random, code);
            options.push((code, value));
        }
    }
    options
}

fn random_message(random: &mut Random, options: &[(OptionCode, Vec<u8>)]) -> Message {
    let mut message = Message::new(match random.below(2) {
        0 => Operation::BootRequest,
        _ => Operation::BootReply,
    });
    let length = random.below(17);
    let hardware = random.bytes(length);
    message.set_hardware(HardwareType(random.next() as u8), &hardware).expect("at most 16 bytes");
    let length = random.below(128);
    let name: Vec<u8> = random.bytes(length).into_iter().map(|octet| octet | 1).collect();
    message.set_boot_file(&name).expect("a name without NUL");
    message
        .set_server_name(&name[..name.len().min(63)])
        .expect("a name without NUL")
        .set_transaction_id(random.next() as u32)
        .set_seconds(random.next() as u16)
        .set_hops(random.next() as u8)
        .set_flags(Flags(random.next() as u16))
        .set_client_address((random.next() as u32).into())
        .set_your_address((random.next() as u32).into())
        .set_server_address((random.next() as u32).into())
        .set_relay_address((random.next() as u32).into())
        .push_octet(OptionCode::MESSAGE_TYPE, 1 + random.below(18) as u8);
    for (code, value) in options {
        message.push(*code, value);
    }
    message
}

#[test]
fn what_is_encoded_is_read_back() {
    for_each_case(|random| {
        let count = random.below(30);
        let options = random_options(random, count);
        let message = random_message(random, &options);
        let mut out = Vec::new();
        message.encode(SizeBudget::of_payload(65_507), &mut out).expect("legal options");
        let view = MessageView::parse(&out).expect("an encoded message");
        for (code, value) in &options {
            assert_eq!(view.option(*code).as_deref(), Some(&value[..]), "option {code}");
        }
        assert_eq!(view.options().count(), options.len() + 1);
        let mut again = Vec::new();
        let copy = Message::from_view(&view);
        copy.encode(SizeBudget::of_payload(65_507), &mut again).expect("legal options");
        assert_eq!(out, again);
    });
}

#[test]
fn any_bytes_are_read_without_panic() {
    for_each_case(|random| {
        let length = random.below(700);
        let mut bytes = random.bytes(length);
        fuzz::pxe_options(&bytes);
        fuzz::user_class(&bytes);
        fuzz::relay_agent(&bytes);
        fuzz::ipxe_options(&bytes);
        fuzz::message(&bytes);
        // Past the checks of the header, so that the options are reached.
        if bytes.len() > 240 {
            bytes[0] = 1;
            bytes[2] = 6;
            bytes[236..240].copy_from_slice(&[99, 130, 83, 99]);
            fuzz::message(&bytes);
        }
    });
}

#[test]
fn messages_with_a_few_octets_changed_are_read_without_panic() {
    for_each_case(|random| {
        let options = random_options(random, 20);
        let message = random_message(random, &options);
        let mut bytes = Vec::new();
        message.encode(SizeBudget::of_payload(65_507), &mut bytes).expect("legal options");
        for _ in 0..1 + random.below(4) {
            let at = random.below(bytes.len());
            bytes[at] = random.next() as u8;
        }
        let cut = bytes.len() - random.below(bytes.len() / 4);
        fuzz::message(&bytes[..cut]);
    });
}

/// A datagram whose options are split at random places and spread over all three areas, in order.
fn scattered(random: &mut Random, options: &[(OptionCode, Vec<u8>)]) -> Vec<u8> {
    let mut parts = Vec::new();
    for (code, value) in options {
        let mut rest = &value[..];
        while !rest.is_empty() {
            let (part, after) = rest.split_at(1 + random.below(rest.len().min(255)));
            parts.push([&[code.0, part.len() as u8][..], part].concat());
            rest = after;
        }
    }
    let mut areas = [vec![52, 1, 3], Vec::new(), Vec::new()];
    let room = [60_000, 128, 64];
    let mut area = 0;
    for part in parts {
        while area < 2 && (random.below(4) == 0 || areas[area].len() + part.len() >= room[area]) {
            area += 1;
        }
        if area == 2 && areas[2].len() + part.len() >= room[2] {
            // The rest would not fit; what stands where it must is enough of a case.
            break;
        }
        if random.below(3) == 0 && areas[area].len() + part.len() + 1 < room[area] {
            areas[area].push(0);
        }
        areas[area].extend_from_slice(&part);
    }
    areas.iter_mut().for_each(|area| area.push(255));
    let [mut main, mut file, mut name] = areas;
    file.resize(128, 0);
    name.resize(64, 0);
    let mut bytes = vec![1, 1, 6, 0];
    bytes.resize(44, 0);
    bytes.append(&mut name);
    bytes.append(&mut file);
    bytes.extend_from_slice(&[99, 130, 83, 99]);
    bytes.append(&mut main);
    bytes
}

#[test]
fn joined_values_do_not_depend_on_the_split() {
    let mut complete = 0;
    for_each_case(|random| {
        let count = 1 + random.below(6);
        let mut options = random_options(random, count);
        let length = 1 + random.below(120);
        if let Some((_, value)) = options.first_mut() {
            *value = random.bytes(length);
        }
        let bytes = scattered(random, &options);
        let view = MessageView::parse(&bytes).expect("a message");
        for (code, value) in &options {
            // The last ones may have been cut, or left out, for want of room.
            let Some(joined) = view.option(*code) else {
                continue;
            };
            assert!(value.starts_with(&joined), "option {code}");
            complete += u64::from(*joined == **value);
            let borrowed = matches!(joined, Cow::Borrowed(_));
            assert_eq!(borrowed, view.parts(*code).count() <= 1);
            assert_eq!(view.first(*code), view.parts(*code).next());
        }
    });
    assert!(complete >= CASES || std::env::var_os("PXE_SEED").is_some(), "{complete} complete");
}

#[test]
fn relay_agent_information_is_echoed_byte_for_byte() {
    for_each_case(|random| {
        let length = 2 + random.below(254);
        let value = random.bytes(length.min(255));
        let options = [(OptionCode::RELAY_AGENT_INFORMATION, value.clone())];
        let bytes = scattered(random, &options);
        let view = MessageView::parse(&bytes).expect("a message");
        let asked = view.option(OptionCode::RELAY_AGENT_INFORMATION).unwrap_or_default();
        let mut reply = Message::reply_to(&view, MessageType::NAK);
        for (code, value) in random_options(random, 20) {
            if code != OptionCode::RELAY_AGENT_INFORMATION {
                reply.push(code, &value);
            }
        }
        let mut out = Vec::new();
        let budget = SizeBudget::for_request(Some(1500));
        if reply.encode(budget, &mut out).is_err() || asked.len() < 2 {
            return;
        }
        let echo = MessageView::parse(&out).expect("an encoded message");
        let last = echo.options().last().expect("at least the message type");
        assert_eq!((last.code, last.value), (OptionCode::RELAY_AGENT_INFORMATION, &*asked));
    });
}

#[test]
fn a_message_keeps_its_budget_and_ends_with_end() {
    let mut encoded = 0;
    for_each_case(|random| {
        let count = random.below(60);
        let options = random_options(random, count);
        let message = random_message(random, &options);
        let asked = match random.below(3) {
            0 => None,
            _ => Some(random.next() as u16),
        };
        let budget = SizeBudget::for_request(asked);
        let mut out = Vec::new();
        let Ok(bytes) = message.encode(budget, &mut out) else {
            return;
        };
        encoded += 1;
        assert!((300..=budget.payload_bytes()).contains(&bytes));
        assert!(budget.payload_bytes() <= 1472);
        assert_eq!(out.iter().rposition(|&octet| octet != 0).map(|at| out[at]), Some(255));
        let view = MessageView::parse(&out).expect("an encoded message");
        let omitted: Vec<_> = message.omitted(budget).expect("it was encoded").collect();
        for (code, value) in &options {
            match omitted.contains(code) {
                true => assert_eq!(view.first(*code), None),
                false => assert_eq!(view.option(*code).as_deref(), Some(&value[..])),
            }
        }
        assert_eq!(view.options().next().map(|first| first.code), Some(OptionCode::MESSAGE_TYPE));
    });
    assert!(encoded > CASES / 2 || std::env::var_os("PXE_SEED").is_some(), "{encoded} encoded");
}

#[test]
fn every_prefix_is_read_or_refused() {
    for_each_case(|random| {
        if random.below(20) != 0 {
            return;
        }
        let options = random_options(random, 8);
        let bytes = scattered(random, &options);
        for cut in 0..bytes.len() {
            fuzz::message(&bytes[..cut]);
            assert_eq!(MessageView::parse(&bytes[..cut]).is_ok(), cut >= 236);
        }
    });
}
