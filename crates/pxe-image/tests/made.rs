//! UDF volumes put together by hand: what no program at hand makes, and what no program would.

mod support;

use pxe_image::{Extent, Image, ImageErrorKind, NodeKind, Tree};
use support::made::{
    BLOCK, EMBEDDED, FILE, FOLDER, LINK, LONG, Made, SHORT, START, entry, extended_entry, file_set,
    latin, long, metadata_map, more, name, plain_map, short,
};
use support::tree::pattern;

fn open(made: &Made) -> Image<&[u8]> {
    Image::open(made.bytes.as_slice()).expect("an image")
}

fn read(image: &Image<&[u8]>, path: &str) -> Vec<u8> {
    let size = image.look(path).expect("sound").expect("there").size;
    let mut bytes = vec![0xaa; usize::try_from(size).expect("small") + 1];
    let count = image.read(path, 0, &mut bytes).expect("sound");
    bytes.truncate(count);
    bytes
}

fn at(block: u32) -> u64 {
    u64::from(START + block) * BLOCK as u64
}

#[test]
fn holes_and_continued_descriptors() {
    let mut made = Made::simple(64, &[name(&latin("holes"), 0, 2, 0)]);
    let first = [short(0, 512, 10), short(1, 1_024, 0), short(3, 512, 3)].concat();
    made.put(2, &extended_entry(2, FILE, SHORT, Some(2_500), &first));
    // More than the file needs: the rest is not its.
    let rest = [short(2, 512, 0), short(0, 512, 11), short(0, 512, 12)].concat();
    made.put(3, &more(3, &rest));
    let bytes = pattern(1_024, 1);
    made.put(10, &bytes);
    let image = open(&made);
    let expected = [&bytes[..512], &[0; 1_536], &bytes[512..964]].concat();
    assert_eq!(read(&image, "holes"), expected);
    let extents = image.extents("holes").expect("sound").expect("a file");
    let stretch = |offset, len| Extent { offset, len };
    assert_eq!(
        extents,
        [stretch(Some(at(10)), 512), stretch(None, 1_536), stretch(Some(at(11)), 452)]
    );
    assert_eq!(image.missing_bytes(), 0);
}

#[test]
fn files_within_their_entry_and_links() {
    let wide: Vec<u8> =
        [16].into_iter().chain("Жук".encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let names = [
        name(&wide, 0, 2, 0),
        name(&latin("gone"), 4, 2, 0),
        name(&latin("link"), 0, 3, 0),
        name(&latin("device"), 0, 4, 0),
        name(b"", 8 | 2, 1, 0),
    ];
    let mut made = Made::simple(16, &names);
    made.put(2, &entry(2, FILE, EMBEDDED, None, b"embedded"));
    let parts = [&[5, wide.len() as u8, 0, 0], &wide[..]].concat();
    made.put(3, &extended_entry(3, LINK, EMBEDDED, None, &parts));
    made.put(4, &entry(4, 6, EMBEDDED, None, b""));
    let image = open(&made);
    assert_eq!(read(&image, "Жук"), b"embedded");
    assert_eq!(read(&image, "link"), b"embedded");
    assert_eq!(
        image.extents("link").expect("sound"),
        Some(vec![Extent { offset: Some(at(2) + 176), len: 8 }])
    );
    let items = image.list("/").expect("sound");
    let names: Vec<_> = items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["Жук", "link"], "nothing deleted, no device, not the folder above");
    assert_eq!(items[1].node.kind, NodeKind::Link("Жук".to_owned()));
}

/// UDF 2.50: folders and entries lie in a file of another partition, here in two pieces; bytes of files do not.
fn with_metadata() -> Made {
    let mut made = Made::new(64, &[plain_map(0), metadata_map(1, 2)], (0, 1));
    let pieces = [short(0, 1_024, 20), short(0, 1_024, 30)].concat();
    made.put(1, &entry(1, 250, SHORT, Some(2_048), &pieces));
    made.put(2, &entry(2, 251, SHORT, Some(2_048), &pieces));
    made.put(20, &file_set(0, 1, 1));
    made.put(21, &entry(1, FOLDER, EMBEDDED, None, &name(&latin("file"), 0, 2, 1)));
    made.put(30, &entry(2, FILE, LONG, Some(700), &long(0, 700, 40, 0)));
    made.put(40, &pattern(700, 2));
    made
}

#[test]
fn metadata_partitions() {
    let mut made = with_metadata();
    assert_eq!(read(&open(&made), "file"), pattern(700, 2));
    assert_eq!(open(&made).facts().formats.udf, Some(0x0250));
    made.put(1, &[0; BLOCK]);
    assert_eq!(read(&open(&made), "file"), pattern(700, 2), "by the mirror");
    made.put(2, &[0; BLOCK]);
    assert!(Image::open(made.bytes.as_slice()).is_err());
}

#[test]
fn the_reserve_sequence_steps_in() {
    let mut made = Made::simple(8, &[name(&latin("file"), 0, 2, 0)]);
    made.put(2, &entry(2, FILE, EMBEDDED, None, b"here"));
    made.spoil(false);
    assert_eq!(read(&open(&made), "file"), b"here");
    made.spoil(true);
    let error = Image::open(made.bytes.as_slice()).expect_err("both are spoilt");
    assert!(error.to_string().contains("check sum differs"), "{error}");
}

/// What a file with such an entry comes to.
fn fault_of(entry_of_file: &[u8]) -> ImageErrorKind {
    let mut made = Made::simple(64, &[name(&latin("file"), 0, 2, 0)]);
    made.put(2, entry_of_file);
    open(&made).extents("file").expect_err("a fault").kind
}

#[test]
fn descriptors_that_lead_in_circles_or_out_are_refused() {
    let circle = short(3, 512, 3);
    let mut made = Made::simple(64, &[name(&latin("file"), 0, 2, 0)]);
    made.put(2, &entry(2, FILE, SHORT, Some(1 << 40), &circle));
    made.put(3, &more(3, &circle));
    let kind = open(&made).extents("file").expect_err("a circle").kind;
    assert!(matches!(kind, ImageErrorKind::TooMuch { max: 4_096, .. }), "{kind}");

    // The circle with zeros, which are all one extent: the pieces are counted, since each takes time.
    let zeros = short(1, 512, 0).repeat(40);
    made.put(3, &more(3, &[zeros, circle].concat()));
    let kind = open(&made).extents("file").expect_err("a circle").kind;
    assert!(matches!(kind, ImageErrorKind::TooMuch { max: 65_536, .. }), "{kind}");

    for (size, area) in [
        (512, short(0, 512, 64)),
        (512, short(0, 512, u32::MAX)),
        (1 << 29, short(0, 1 << 29, 10)),
        (513, short(0, 512, 10)),
        (u64::MAX, short(1, 1 << 29, 0)),
        // A piece in the middle that is no whole block.
        (513, [short(0, 1, 10), short(0, 512, 11)].concat()),
    ] {
        let kind = fault_of(&entry(2, FILE, SHORT, Some(size), &area));
        assert!(matches!(kind, ImageErrorKind::Broken(_)), "{size} {area:?}: {kind}");
    }
    let kind = fault_of(&entry(2, FILE, LONG, Some(9), &long(0, 9, 10, 1)));
    assert!(matches!(kind, ImageErrorKind::Broken(_)), "no such partition: {kind}");
    let kind = fault_of(&entry(2, FILE, EMBEDDED, Some(9), b"eight by"));
    assert!(matches!(kind, ImageErrorKind::Broken(_)), "{kind}");
    let kind = fault_of(&entry(3, FILE, EMBEDDED, None, b"elsewhere"));
    assert!(matches!(kind, ImageErrorKind::Broken(_)), "{kind}");
}

#[test]
fn a_folder_in_itself_can_be_listed_but_not_entered() {
    let made = Made::simple(8, &[name(&latin("again"), 2, 1, 0)]);
    let image = open(&made);
    assert_eq!(image.list("").expect("sound").len(), 1);
    let error = image.look("again/again").expect_err("a circle");
    assert!(error.to_string().contains("inside itself"), "{error}");
}

#[test]
fn a_link_to_itself_leads_nowhere() {
    let parts = [&[5, 5, 0, 0], &latin("link")[..]].concat();
    let mut made = Made::simple(8, &[name(&latin("link"), 0, 2, 0)]);
    made.put(2, &entry(2, LINK, EMBEDDED, None, &parts));
    assert_eq!(open(&made).look("link").expect("sound"), None);
}

#[test]
fn what_was_cut_off_is_said_and_the_rest_is_read() {
    let mut made = Made::simple(64, &[name(&latin("in"), 0, 2, 0), name(&latin("out"), 0, 3, 0)]);
    made.put(2, &entry(2, FILE, SHORT, Some(9), &short(0, 9, 10)));
    made.put(3, &entry(3, FILE, SHORT, Some(9), &short(0, 9, 63)));
    made.put(10, b"nine byte");
    let whole = made.bytes.len();
    made.bytes.truncate(whole - 600);
    let image = open(&made);
    assert_eq!(image.missing_bytes(), 600);
    assert_eq!(read(&image, "in"), b"nine byte");
    assert_eq!(image.look("out").expect("sound").map(|node| node.size), Some(9));
    for kind in [
        image.extents("out").expect_err("cut off").kind,
        image.read("out", 0, &mut [0; 1]).expect_err("cut off").kind,
    ] {
        assert!(matches!(kind, ImageErrorKind::Truncated), "{kind}");
    }
}
