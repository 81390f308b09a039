//! Byte ranges of small files, which come from memory, and of large ones, which come from the disk.

use core::ops::Range;

use crate::common::{Folder, Server};
use crate::wire::{self, Part, Reply, connect, pattern};

/// Above what is kept in memory.
const LARGE: usize = (8 << 20) + 12_345;

/// The answer's parts, by whatever way it holds them.
fn parts(reply: &Reply, size: usize) -> Vec<(Range<usize>, Vec<u8>)> {
    let range = |text: &str| {
        let (range, whole) =
            text.strip_prefix("bytes ").expect("bytes").split_once('/').expect("/");
        assert_eq!(whole.parse(), Ok(size));
        let (first, last) = range.split_once('-').expect("a range");
        first.parse().expect("a number")..last.parse::<usize>().expect("a number") + 1
    };
    if let Some(text) = reply.header("Content-Range") {
        return vec![(range(text), reply.body.clone())];
    }
    let media = reply.header("Content-Type").expect("a type");
    let boundary = media.strip_prefix("multipart/byteranges; boundary=").expect("several parts");
    let part = |part: &Part<'_>| {
        let lines: Vec<&str> = part.head.split("\r\n").collect();
        assert_eq!(lines[..2], ["", "Content-Type: application/octet-stream"]);
        let at = range(lines[2].strip_prefix("Content-Range: ").expect("a range"));
        assert_eq!(at.len(), part.bytes.len());
        (at, part.bytes.to_vec())
    };
    wire::parts(&reply.body, boundary).iter().map(part).collect()
}

/// Two numbers around every place where something changes.
fn places(size: usize) -> Vec<usize> {
    let edges = [0, 1, 128 << 10, 256 << 10, size / 2, size];
    let around = |edge: usize| [edge.saturating_sub(1), edge, edge + 1];
    let mut places: Vec<usize> = edges.into_iter().flat_map(around).collect();
    places.sort_unstable();
    places.dedup();
    places.retain(|place| *place <= size + 1);
    places
}

#[test]
fn a_grid_of_single_ranges() {
    let folder = Folder::new("grid");
    let mut sizes = vec![0, 1, 2, 1000, 300_000, LARGE];
    for size in &sizes {
        folder.write(&format!("boot/{size}"), &pattern(*size));
    }
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    let mut asked = 0;
    for size in sizes.drain(..) {
        let content = pattern(size);
        let (target, places) = (format!("/boot/{size}"), places(size));
        for first in &places {
            let mut lasts: Vec<Option<usize>> = places.iter().copied().map(Some).collect();
            lasts.push(None);
            for last in lasts {
                // What a large file would cost beyond its edges is tried on the small ones.
                if size == LARGE && last.map_or(size, |last| last.saturating_sub(*first)) > 300_000
                {
                    continue;
                }
                let last_text = last.map(|last| last.to_string()).unwrap_or_default();
                let header = format!("Range: bytes={first}-{last_text}\r\n");
                let reply = wire.ask("GET", &target, &header);
                asked += 1;
                let end = last.map_or(size, |last| (last + 1).min(size));
                if *first < end {
                    assert_eq!(reply.status(), 206, "{size} {header}");
                    assert_eq!(parts(&reply, size)[0].0, *first..end, "{size} {header}");
                    assert!(reply.body == content[*first..end], "{size} {header}");
                } else if *first == 0 {
                    assert_eq!((reply.status(), reply.body.len()), (200, size), "{size} {header}");
                } else {
                    assert_eq!(reply.status(), 416, "{size} {header}");
                    let range = format!("bytes */{size}");
                    assert_eq!(reply.header("Content-Range"), Some(&*range), "{header}");
                }
            }
        }
        for length in places.into_iter().filter(|length| *length > 0 && *length <= 300_000) {
            let reply = wire.ask("GET", &target, &format!("Range: bytes=-{length}\r\n"));
            asked += 1;
            let tail = &content[size.saturating_sub(length)..];
            assert!(reply.body == tail, "{size}: the last {length}");
            assert_eq!(reply.status(), if size == 0 { 200 } else { 206 });
        }
    }
    assert!(asked > 400, "only {asked} ranges");
}

#[test]
fn several_ranges_come_in_one_answer() {
    let folder = Folder::new("several");
    for size in [1000, LARGE] {
        folder.write(&format!("boot/{size}"), &pattern(size));
    }
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    for size in [1000, LARGE] {
        let content = pattern(size);
        for ranges in [
            vec![0..1, size - 1..size],
            vec![10..20, 15..30, 0..5],
            vec![500..600, 100..101, 7..8],
            (0..64).map(|number| 3 * number..3 * number + 2).collect(),
        ] {
            let list: Vec<String> =
                ranges.iter().map(|range| format!("{}-{}", range.start, range.end - 1)).collect();
            let header = format!("Range: bytes={}\r\n", list.join(", "));
            let reply = wire.ask("GET", &format!("/boot/{size}"), &header);
            assert_eq!(reply.status(), 206);
            let expected: Vec<_> =
                ranges.into_iter().map(|range| (range.clone(), content[range].to_vec())).collect();
            assert!(parts(&reply, size) == expected, "{size} {header}");
        }
    }
    // More of them, or more bytes than there are: the whole file.
    let many = format!("Range: bytes={}\r\n", vec!["0-0"; 65].join(","));
    for header in [&*many, "Range: bytes=0-,0-\r\n", "Range: lines=0-1\r\n"] {
        let reply = wire.ask("GET", "/boot/1000", header);
        assert!(reply.status() == 200 && reply.body == pattern(1000), "{header}");
    }
}

#[test]
fn a_download_is_resumed_only_if_the_file_is_the_same() {
    let folder = Folder::new("resumed");
    folder.write("boot/kernel", &pattern(1000));
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    let first = wire.ask("GET", "/boot/kernel", "");
    let etag = first.header("Etag").expect("a tag").to_owned();
    let modified = first.header("Last-Modified").expect("a date").to_owned();
    for (condition, status) in [
        (format!("If-Range: {etag}"), 206),
        (format!("If-Range: {modified}"), 206),
        (format!("If-Match: {etag}"), 206),
        ("If-Range: \"other\"".to_owned(), 200),
        (format!("If-Range: W/{etag}"), 200),
        ("If-Range: Thu, 01 Jan 1970 00:00:00 GMT".to_owned(), 200),
        ("If-Range: yesterday".to_owned(), 200),
        ("If-Match: \"other\"".to_owned(), 412),
        ("If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT".to_owned(), 412),
    ] {
        let headers = format!("Range: bytes=900-\r\n{condition}\r\n");
        let reply = wire.ask("GET", "/boot/kernel", &headers);
        assert_eq!(reply.status(), status, "{condition}");
        match status {
            206 => assert!(reply.body == pattern(1000)[900..], "{condition}"),
            200 => assert!(reply.body == pattern(1000), "{condition}"),
            _ => {}
        }
    }
}
