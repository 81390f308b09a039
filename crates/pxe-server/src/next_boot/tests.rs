//! Orders as files: read as written, spent once, and nothing made of nonsense.

use super::*;

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];

fn empty(test: &str) -> (PathBuf, NextBoots) {
    let state = std::env::temp_dir().join(format!("pxe-orders-{test}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&state);
    fs::create_dir_all(&state).expect("a folder");
    (state.clone(), NextBoots::beneath(&state))
}

#[test]
fn an_order_is_kept_until_it_is_spent() {
    let (state, orders) = empty("kept");
    assert!(!orders.clear(MAC).expect("nothing to do") && !orders.is_any());
    assert!(!orders.spend(MAC, 0, Gone::ForGood).expect("nothing to do"));
    for words in ["menu", "local", "image a b.iso#auto", "script x.ipxe"] {
        for once in [Once::Done, Once::Delivered] {
            let boots = parse(words).expect("an order");
            let order = orders.set(MAC, boots, once).expect("written");
            assert_eq!((text(&order.boots), order.once), (words.to_owned(), once));
            // Another process sees the same.
            assert_eq!(NextBoots::beneath(&state).get(MAC), Some(order.clone()));
            assert_eq!(orders.list(), [(MAC, order)]);
        }
    }
    let given = orders.get(MAC).expect("an order").given_ms;
    assert!(!orders.spend(MAC, given + 1, Gone::ForGood).expect("another"), "another order stands");
    assert!(orders.is_any() && orders.spend(MAC, given, Gone::Soon).expect("spent"));
    assert!(orders.get(MAC).is_none() && orders.list().is_empty() && !orders.is_any());
    orders.set(MAC, NextBoot::Menu, Once::Done).expect("written");
    assert!(orders.clear(MAC).expect("cleared") && orders.get(MAC).is_none());
    fs::remove_dir_all(state).expect("clean");
}

#[test]
fn what_was_written_by_hand_is_read_and_nonsense_is_no_order() {
    let (state, orders) = empty("hand");
    fs::create_dir(&orders.folder).expect("a folder");
    let long = format!("script {}", "x".repeat(5_000));
    for (text, found) in [
        ("local", true),
        ("menu\nonce delivered\n", true),
        ("menu\nonce never\n", false),
        ("menu\ngiven today\n", false),
        ("format disk\n", false),
        ("image\n", false),
        ("", false),
        (&*long, true),
    ] {
        fs::write(orders.file(MAC), text).expect("written");
        assert_eq!(orders.get(MAC).is_some(), found, "{text:?}");
    }
    fs::remove_dir_all(state).expect("clean");
}

#[test]
fn names_that_lead_elsewhere_are_no_orders() {
    let (state, orders) = empty("names");
    for words in ["script ../x", "image ../b.iso", "image a\tb"] {
        let boots = parse(words).expect("words");
        let refused = orders.set(MAC, boots, Once::Done);
        assert!(matches!(refused, Err(NextBootError::Refused(_))), "{words}");
    }
    for words in ["nonsense", "image", "script  ", "menu x", "local x"] {
        assert!(parse(words).is_none(), "{words}");
    }
    let url = || parse("script http://192.0.2.1/x").expect("words");
    assert!(orders.set(MAC, url(), Once::Done).is_ok());
    assert!(orders.set(MAC, url(), Once::Delivered).is_err());
    fs::remove_dir_all(state).expect("clean");
}

#[test]
fn an_order_written_by_another_program_counts_at_once_and_once() {
    let (state, server) = empty("other");
    let others = [[0x52, 0x54, 0, 0xaa, 0, 2], [0x52, 0x54, 0, 0xaa, 0, 3]];
    let settle = || {
        let time = std::time::SystemTime::now() - std::time::Duration::from_secs(9);
        File::open(&server.folder).and_then(|it| it.set_modified(time)).expect("a time");
    };
    for round in 0..3 {
        assert_eq!(server.order(MAC), None, "round {round}");
        let command = NextBoots::beneath(&state);
        let order = command.set(MAC, NextBoot::Menu, Once::Done).expect("written");
        // However the folder looks: new, settled, known.
        for look in 0..3 {
            assert_eq!(server.order(MAC), Some(order.clone()), "round {round}, look {look}");
            assert!(others.iter().all(|mac| server.order(*mac).is_none()) && server.is_any());
            settle();
        }
        // Written over by hand, which leaves the folder as it was.
        fs::write(server.file(MAC), "local\n").expect("written");
        assert_eq!(server.order(MAC).map(|it| it.boots), parse("local"), "round {round}");
        let given = server.order(MAC).expect("an order").given_ms;
        assert!(NextBoots::beneath(&state).spend(MAC, given, Gone::ForGood).expect("spent"));
        assert!(!server.spend(MAC, given, Gone::ForGood).expect("nothing to do"));
        if round > 0 {
            settle();
        }
    }
    fs::remove_dir_all(state).expect("clean");
}
