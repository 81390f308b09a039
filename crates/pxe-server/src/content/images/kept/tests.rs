use std::fs::File;
use std::time::{Duration, SystemTime};

use pxe_image::recognise::{Kind, Recognition};
use pxe_image::{BootEntry, Cpu, How, Initrd, Piece};

use super::*;
use crate::content::Images;

/// With one of everything.
fn recognition(title: &str) -> Recognition {
    let piece = |what: &str| Piece::Inside(what.to_owned());
    let mut initrd = Initrd::file(piece("i"), "/x");
    initrd.mode = Some(0o755);
    let hows = [
        How::Linux {
            kernel: piece("a/vmlinuz"),
            initrds: vec![initrd, Initrd::new(Piece::Root("i2".into()))],
            cmdline: "url={files}/x \"quoted\" ümlaut".into(),
        },
        How::Wimboot {
            wim: Piece::Whole,
            files: vec![("a.xml".into(), Piece::Url("{seed}/a.xml".into()))],
        },
        How::Chain { program: piece("x.efi"), arguments: "-c y".into() },
        How::Disk { cd: true },
    ];
    let entry = |(index, how): (usize, How)| {
        let mut it = BootEntry::new(format!("e{index}"), format!("{title}: {index}"), how);
        it.cpus = Cpu::ALL[..index].to_vec();
        it.platforms.bios = index % 2 == 0;
        it.platforms.efi = index != 2;
        it.memory_mib = (index > 0).then_some(1024);
        it.note = "a note".into();
        it
    };
    let mut it = Recognition::new("test", title, Kind::Live);
    it.distribution = "Test".into();
    it.version = Some("1".into());
    it.cpus = Cpu::ALL.to_vec();
    it.entries = hows.into_iter().enumerate().map(entry).collect();
    it.warnings = vec!["a warning\nof two lines".into()];
    it.shims = vec![(Cpu::Arm64, "efi/boot/bootaa64.efi".into())];
    it.ram_disk = Some(entry((4, How::Disk { cd: true })));
    it
}

fn info(recognition: Recognition, lasting: bool) -> ImageInfo {
    let recognition = Some(Arc::new(recognition));
    let state = State::Ready { label: "L".into(), has_files: true, recognition };
    ImageInfo { size: 0, state, version: Version::planted(7), beside: None, lasting }
}

fn catalogue(infos: Vec<ImageInfo>) -> Catalogue {
    let named =
        infos.into_iter().enumerate().map(|(index, info)| (format!("{index}.iso"), Arc::new(info)));
    Catalogue { images: named.collect(), truncated: false }
}

#[test]
fn everything_that_is_known_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = Kept::new(folder.path());
    let known = catalogue(vec![info(recognition("A"), true), info(recognition("B"), false)]);
    kept.save(&known);
    assert!(kept.load().is_empty(), "nothing changed, so nothing is written");
    kept.note_change();
    kept.save(&known);
    let again = Kept::new(folder.path()).load();
    assert_eq!(again.len(), 1, "what could not be read whole is looked at again");
    assert_eq!(again["0.iso"].state, known.images["0.iso"].state);
    assert_eq!(again["0.iso"].version, known.images["0.iso"].version);
    let names: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().collect();
    assert_eq!(names.len(), 1, "no half-written file stays: {names:?}");
}

#[test]
fn what_others_wrote_is_left_out() {
    let kept = Kept::new(Path::new("/nonexistent"));
    let text = kept.text(&catalogue(vec![info(recognition("A"), true)]));
    assert_eq!(kept.parse(text.as_bytes()).len(), 1);
    let (head, line) = text.split_once('\n').expect("two lines");
    let number = kept.writer.rules.to_string();
    for other in [
        head.replace("\"format\":1", "\"format\":2"),
        head.replace(&number, "1"),
        head.replace("\"program\":", "\"program\":null,\"was\":"),
        String::new(),
        "{}".to_owned(),
    ] {
        let text = format!("{other}\n{line}");
        assert_ne!(other, head);
        assert!(kept.parse(text.as_bytes()).is_empty(), "{other}");
    }
}

#[test]
fn hostile_content_costs_its_line_and_no_more() {
    let kept = Kept::new(Path::new("/nonexistent"));
    let good = kept.text(&catalogue(vec![info(recognition("A"), true)]));
    let (head, line) = good.split_once('\n').expect("two lines");
    let line = line.trim_end();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let long = line.replace("a note", &"x".repeat(KNOWN_IMAGE_BYTES_MAX));
    let mut hostile: Vec<Vec<u8>> = [
        "",
        "null",
        "{",
        &deep,
        &long,
        &line[..line.len() / 2],
        &line.replace("\"live\"", "\"dead\""),
        &line.replace("\"arm64\"", "\"vax\""),
        &line.replace("1024", "-1"),
        &line.replace("1024", "1e99"),
        &line.replace("\"inside\"", "\"outside\""),
        &line.replace("\"disk\"", "\"desk\""),
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    assert!(hostile.iter().all(|other| other != line.as_bytes()));
    hostile.push(vec![0xff; 100]);
    hostile.push(line.as_bytes().to_vec());
    let text =
        [head.as_bytes().to_vec()].into_iter().chain(hostile).collect::<Vec<_>>().join(&b'\n');
    let known = kept.parse(&text);
    assert_eq!(known.keys().collect::<Vec<_>>(), ["0.iso"]);
    // Any cut, as a full disk would make, and any byte turned over.
    for cut in (0..good.len()).step_by(7) {
        let _ = kept.parse(&good.as_bytes()[..cut]);
        let mut turned = good.clone().into_bytes();
        turned[cut] ^= 0x41;
        let _ = kept.parse(&turned);
    }
    let many = format!("{head}\n{}", format!("{line}\n").repeat(IMAGES_MAX + 10));
    assert!(kept.parse(many.as_bytes()).len() <= IMAGES_MAX);
}

#[test]
fn a_file_that_is_too_long_or_no_file_is_no_obstacle() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = Kept::new(folder.path());
    let path = folder.path().join(FILE);
    File::create(&path)
        .and_then(|file| file.set_len(KNOWN_IMAGES_BYTES_MAX as u64 + 1))
        .expect("a file");
    assert!(kept.load().is_empty());
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("a folder in its place");
    assert!(kept.load().is_empty());
    kept.note_change();
    kept.save(&catalogue(vec![info(recognition("A"), true)]));
    assert!(kept.failing.load(Ordering::Relaxed), "a folder is not replaced by a file");
    // What is too much for one image or for all is left out.
    let mut large = recognition("A");
    large.warnings.push("x".repeat(KNOWN_IMAGE_BYTES_MAX));
    assert_eq!(kept.text(&catalogue(vec![info(large, true)])).lines().count(), 1);
    let mut large = recognition("A");
    large.warnings.push("x".repeat(KNOWN_IMAGE_BYTES_MAX - 4096));
    let all = catalogue(vec![info(large, true); IMAGES_MAX]);
    let text = kept.text(&all);
    assert!(text.len() < KNOWN_IMAGES_BYTES_MAX && text.len() > KNOWN_IMAGES_BYTES_MAX / 2);
}

/// A PC kernel that says it is memtest86+, and some more in which such words are looked for.
fn program(path: &Path) {
    let mut head = vec![0_u8; 4096];
    head[0x202..0x206].copy_from_slice(b"HdrS");
    head[1024..1034].copy_from_slice(b"Memtest86+");
    fs::write(path, head).expect("written");
    let file = File::options().write(true).open(path).expect("a file");
    file.set_len(64 << 10).expect("longer");
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("a time");
}

/// Everything that a start does until it knows all images, and how many it had to read for that.
fn start(folder: &Path, state: &Path) -> (Images, usize) {
    let images = Images::new(folder.to_owned()).kept_in(state);
    images.scan();
    let mut read = 0;
    while images.recognise_next() {
        read += 1;
    }
    images.keep();
    (images, read)
}

#[test]
fn a_restart_with_five_hundred_images_reads_none_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, state) = (folder.path().join("images"), folder.path().join("state"));
    fs::create_dir(&path).expect("a folder");
    for number in 0..500 {
        program(&path.join(format!("{number}.img")));
    }
    let (first, read) = start(&path, &state);
    assert_eq!(read, 500);
    let (second, read) = start(&path, &state);
    assert_eq!(read, 0, "the second start reads none");
    let states = |images: &Images| {
        let catalogue = images.catalogue();
        catalogue.images.values().map(|info| info.state.clone()).collect::<Vec<_>>()
    };
    assert_eq!(states(&second), states(&first));
    let known = |state: &State| matches!(state, State::Ready { recognition: Some(it), .. } if it.rule == "pc-kernel");
    assert!(states(&second).iter().all(known));
    // One that changed, one that has a file beside it now, one that is gone, one that is new.
    let changed = path.join("1.img");
    program(&changed);
    fs::write(path.join("2.img.toml"), "title = \"Ours\"\n").expect("written");
    fs::remove_file(path.join("3.img")).expect("removed");
    program(&path.join("new.img"));
    let (third, read) = start(&path, &state);
    assert_eq!((read, third.catalogue().images.len()), (3, 500));
    let (_, read) = start(&path, &state);
    assert_eq!(read, 0);
}

#[test]
fn a_folder_that_was_away_is_not_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, state) = (folder.path().join("images"), folder.path().join("state"));
    fs::create_dir(&path).expect("a folder");
    program(&path.join("a.img"));
    let (images, read) = start(&path, &state);
    assert_eq!(read, 1);
    let away = folder.path().join("away");
    fs::rename(&path, &away).expect("away");
    images.scan();
    assert!(images.catalogue().images.is_empty());
    images.keep();
    // As a stick that is plugged in again, another folder has the path meanwhile.
    fs::create_dir(&path).expect("a folder");
    images.scan();
    assert!(images.catalogue().images.is_empty());
    fs::remove_dir(&path).expect("removed");
    fs::rename(&away, &path).expect("back");
    images.scan();
    assert!(!images.recognise_next(), "it is known still");
    assert_eq!(images.catalogue().images.len(), 1);
}
