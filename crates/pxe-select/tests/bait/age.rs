//! What was heard long ago counts less, or for another machine.

use super::*;

#[test]
fn an_address_is_another_machines_soon_unless_the_neighbour_table_has_it() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 0);
    let later = NOW + 26 * SECOND;
    let held = net.ask(later, b"pxe-loader", Asker::Unknown);
    held.is_held("too little");
    assert!(held.reasons.contains("26 s ago"), "{}", held.reasons);
    net.ask_as(later, b"pxe-loader", Asker::Unknown, Some(&MAC)).is("undionly.kpxe");
}

#[test]
fn a_machine_that_only_the_neighbour_table_knew_keeps_its_name_in_the_log() {
    let mut net = Net::new(policy());
    let last = |net: &Net, at| {
        net.known(at, b"grubaa64.efi", Asker::Shim, None).last_hardware_address().to_vec()
    };
    net.ask_as(NOW, b"pxe-loader_uefi", Asker::Edk2, Some(&MAC)).is("ipxe.efi");
    assert_eq!(last(&net, NOW + SECOND), MAC);
    assert_eq!(last(&net, NOW + 2 * DAY), b"", "by now it can be anybody");
    net.boot(NOW + 3 * SECOND, &OTHER, 0);
    assert_eq!(last(&net, NOW + 4 * SECOND), OTHER, "who came after it");
}

#[test]
fn what_a_machine_said_long_ago_needs_a_shape_that_agrees() {
    for (days, asker, boots) in [
        (0, Asker::Unknown, true),
        (6, Asker::Unknown, true),
        (8, Asker::Unknown, false),
        (8, Asker::Edk2, true),
        (89, Asker::Edk2, true),
        (91, Asker::Edk2, false),
    ] {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        let answer = net.ask_as(NOW + days * DAY, b"pxe-loader", asker, Some(&MAC));
        if boots { answer.is("ipxe.efi") } else { answer.is_held("too little") }
    }
}

#[test]
fn an_address_taken_over_is_the_new_machines() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 0);
    net.ask(NOW, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
    net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
    net.boot(NOW + 20 * SECOND, &OTHER, 7);
    net.ask(NOW + 21 * SECOND, b"pxe-loader", Asker::Unknown).is("ipxe.efi");
    net.evidence.hear_leaving(NOW + 22 * SECOND, &OTHER, ADDRESS);
    net.ask(NOW + 22 * SECOND, b"pxe-loader", Asker::Unknown).is_held("too little");
    // By a machine that does not boot: nothing is left of the old one.
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 0);
    net.ask(NOW, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
    let mut laptop = ClientFacts::new(&OTHER);
    laptop.address = Some(ADDRESS);
    assert_eq!(net.evidence.hear(NOW + SECOND, Source::Request, 99, &laptop), None);
    net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
    let facts = net.known(NOW + SECOND, b"x", Asker::Unknown, None);
    assert_eq!(facts.hardware_address(), OTHER);
}

#[test]
fn a_boot_that_got_its_loader_is_over() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 0);
    net.ask(NOW, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
    net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
    // Firmware that repeats itself at once is still the same.
    net.ask(NOW + 3 * SECOND, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
    // Later it may be another machine that has the address now, and was not heard.
    net.ask(NOW + 30 * SECOND, b"pxe-loader", Asker::Unknown).is_held("too little");
    net.boot(NOW + 31 * SECOND, &MAC, 0);
    net.ask(NOW + 32 * SECOND, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
}

#[test]
fn a_boot_that_is_over_ends_no_other() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    // Another machine takes the address while the first one loads; then the first one's iPXE is heard.
    net.boot(NOW + 10, &OTHER, 6);
    net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
    net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe32.efi");
    net.evidence.delivered(NOW + 2 * SECOND, IpAddr::V4(ADDRESS), &[]);
    net.boot(NOW + 3 * SECOND, &MAC, 7);
    net.ask(NOW + 4 * SECOND, b"pxe-loader", Asker::Edk2).is_held("contradicts");
}

#[test]
fn a_late_copy_of_a_heard_message_is_no_news() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 0);
    net.ask(NOW, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
    net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
    // The iPXE that it got takes the address as well, and has its script.
    net.hear(NOW + 3 * SECOND, Source::Request, &MAC, 0, Some(ADDRESS));
    net.evidence.delivered(NOW + 16 * SECOND, IpAddr::V4(ADDRESS), &MAC);
    net.exchange -= 1;
    // A relay's copy comes after the boot is over. Another machine, not heard yet, has the address by then.
    net.exchange -= 1;
    net.hear(NOW + 19 * SECOND, Source::Relayed, &MAC, 0, Some(ADDRESS));
    net.ask(NOW + 20 * SECOND, b"pxe-loader", Asker::Unknown).is_held("too little");
    // Firmware that always has the same number boots again all the same.
    net.exchange -= 1;
    net.hear(NOW + 40 * SECOND, Source::Relayed, &MAC, 0, Some(ADDRESS));
    net.ask(NOW + 41 * SECOND, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
}

#[test]
fn a_clock_that_was_set_back_makes_nothing_young_for_ever() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 0);
    let text = net.evidence.export();
    let before = NOW - 400 * DAY;
    let (evidence, imported) = Evidence::import(before, text.as_bytes()).unwrap();
    assert_eq!((imported.kept, imported.old, imported.broken), (2, 0, 0));
    net.evidence = evidence;
    net.ask(before + 61 * SECOND, b"pxe-loader", Asker::Unknown).is_held("too little");
}
