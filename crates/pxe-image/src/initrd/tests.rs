use std::io::Write as _;

use super::*;
use crate::pack::{archive, packed};

const PACKERS: [(&str, &[&str]); 6] = [
    ("gzip", &["gzip", "-c"]),
    ("xz", &["xz", "--check=crc32", "-c"]),
    ("zstd", &["zstd", "-q", "-c"]),
    ("lz4", &["lz4", "-q", "-l", "-c"]),
    ("lz4", &["lz4", "-q", "-c"]),
    ("lzma", &["xz", "--format=lzma", "-c"]),
];

#[test]
fn every_packing_is_read_behind_microcode() {
    let microcode = archive([("kernel/x86/microcode/GenuineIntel.bin", "bits")]);
    let filler = "0123456789abcdef".repeat(20_000);
    let root =
        archive([("bin/filler", filler.as_str()), ("scripts/casper", "casper"), ("init", "x")]);
    for (name, packer) in PACKERS {
        let mut initrd = microcode.clone();
        initrd.resize(initrd.len().next_multiple_of(512), 0);
        initrd.extend(packed(packer, &root));
        let found = probe(initrd.as_slice());
        assert_eq!(found.unread(), None, "{name}");
        assert_eq!(found.formats(), ["cpio", name]);
        assert!(found.has(Capability::Casper) && found.lacks(Capability::LiveBoot), "{name}");
        assert_eq!(found.names(), 4, "{name}");
    }
}

#[test]
fn parts_of_every_packing_follow_each_other() {
    for (name, packer) in PACKERS {
        let mut initrd = packed(packer, &archive([("scripts/live", "")]));
        initrd.resize(initrd.len().next_multiple_of(4), 0);
        initrd.extend(archive([("sbin/livenetroot", "")]));
        initrd.extend(packed(packer, &archive([("lib/anaconda-lib.sh", "")])));
        let found = probe(initrd.as_slice());
        assert_eq!(found.unread(), None, "{name}");
        assert_eq!(found.to_string(), "live-boot, livenet, anaconda", "{name}");
    }
}

#[test]
fn an_archive_may_go_on_in_the_next_part() {
    let whole = archive([("init", "test -f /proxmox.iso"), ("usr/sbin/kiwi-live-root", "")]);
    let (first, second) = whole.split_at(130);
    let mut initrd = packed(&["gzip", "-c"], first);
    initrd.extend(packed(&["gzip", "-c"], second));
    let found = probe(initrd.as_slice());
    assert_eq!((found.unread(), found.to_string().as_str()), (None, "kiwi-live, proxmox-iso"));
}

#[test]
fn names_count_in_whole_parts() {
    let near = [
        ("not-scripts/casper", ""),
        ("scripts/casper-bottom", ""),
        ("usr/bin/mylivenetroot", ""),
        ("lib/modules/6/kernel/drivers/nvdimm/nd_pmem.ko.zst", ""),
        ("./usr/lib/modules/6/kernel/drivers/net/virtio_net.ko", ""),
    ];
    assert_eq!(probe(archive(near).as_slice()).to_string(), "net-drivers, ram-disk");
}

#[test]
fn what_cannot_be_read_is_said() {
    let whole = archive([("scripts/casper", "casper")]);
    let unread = |bytes: &[u8]| probe(bytes).unread().map(str::to_owned).unwrap_or_default();
    assert_eq!(unread(&whole[..150]), "it ends in the middle of a file");
    assert_eq!(unread(b"BZh91AY"), "it is packed with bzip2, which is not read");
    assert_eq!(unread(b"something else"), "a part of it is packed in no known way");
    let mut cut = packed(&["gzip", "-c"], &whole);
    cut.truncate(cut.len() / 2);
    assert!(unread(&cut).starts_with("its gzip part cannot be unpacked"), "{}", unread(&cut));
    let long = archive([("n".repeat(5_000).as_str(), "")]);
    assert_eq!(unread(&long), "it has more than 4096 bytes of a name");
    let found = probe(&whole[..150]);
    assert!(!found.lacks(Capability::LiveBoot), "what was not read may be there");
    assert_eq!(probe([0; 100].as_slice()).unread(), None, "nothing but zeros");
}

#[test]
fn a_bomb_ends_at_the_limit() {
    // 12 MiB of one file's zeros in a few kilobytes.
    let mut start = archive([("big", "")]);
    start.truncate(start.len() - 124);
    start[54..62].copy_from_slice(b"7fffffff");
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&start).expect("memory");
    let zeros = vec![0; 1 << 20];
    for _ in 0..12 {
        packer.write_all(&zeros).expect("memory");
    }
    let bomb = packer.finish().expect("memory");
    assert!(bomb.len() < 100_000);
    let found = probe_up_to(bomb.as_slice(), 10 << 20);
    assert_eq!(found.unread(), Some("it has more than 10485760 bytes when unpacked"));
}

/// The same bytes over and over.
struct Again(&'static [u8], usize);

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for byte in buffer.iter_mut() {
            *byte = self.0[self.1];
            self.1 = (self.1 + 1) % self.0.len();
        }
        Ok(buffer.len())
    }
}

#[test]
fn what_unpacks_to_nothing_ends_at_the_limit() {
    // Stored blocks without a byte; then blocks of lz4 without one.
    let gzip: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let lz4: &[u8] = &[0x02, 0x21, 0x4c, 0x18];
    for (start, endless) in
        [(&[][..], &[0][..]), (gzip, &[0, 0, 0, 0xff, 0xff]), (lz4, &[1, 0, 0, 0, 0])]
    {
        let found = probe_up_to(start.chain(Again(endless, 0)), 1 << 20);
        let why = found.unread().expect("not all of it");
        assert!(why.contains("more than 1048576 bytes"), "{endless:?}: {why}");
    }
}
