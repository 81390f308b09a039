//! What every rule makes of images.
//!
//! No real image can be downloaded here. Each file of `recognition/` is a layout instead: paths and contents as the
//! distribution documents them, with initrds that hold the decisive names, and `NAME.txt` beside it is what is
//! recognised. `UPDATE_GOLDEN=1` writes these anew.

mod layout;

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use layout::Layout;
use pxe_image::Image;
use pxe_image::initrd::Capability;
use pxe_image::recognise::{ImageFacts, Overrides, Rules, recognise};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recognition"))
}

fn layouts() -> Vec<Layout> {
    let files = fs::read_dir(folder()).expect("layouts").map(|file| file.expect("a file").path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "toml")).collect();
    files.sort();
    files.iter().map(|path| Layout::read(path)).collect()
}

#[test]
fn every_layout_is_recognised_as_what_it_is() {
    let rules = Rules::built_in();
    let mut faults = Vec::new();
    for layout in layouts() {
        let found = recognise(&layout, &layout.facts, &rules).to_string();
        let golden = folder().join(&layout.name).with_extension("txt");
        // The name has dots, so the extension is put behind it.
        let golden = golden.with_file_name(format!("{}.txt", layout.name));
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).expect("written");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if found != expected {
            faults.push(format!("{}:\n{found}--- expected:\n{expected}", layout.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_layout_is_claimed_by_two_families() {
    let rules = Rules::built_in();
    for layout in layouts() {
        let claims = rules.claims(&layout, &layout.facts);
        assert!(claims.len() <= 1, "{}: {claims:?}", layout.name);
    }
}

#[test]
fn every_rule_has_a_layout() {
    let rules = Rules::built_in();
    let known: BTreeSet<String> =
        layouts().iter().map(|layout| recognise(layout, &layout.facts, &rules).rule).collect();
    let missing: Vec<&str> = rules.ids().filter(|id| !known.contains(*id)).collect();
    assert!(missing.is_empty(), "no layout for {missing:?}");
    assert!(rules.ids().count() > 35, "rules were left out");
}

/// The same layouts as images that xorriso made, read in place.
#[test]
fn images_of_xorriso_are_recognised_as_their_layouts() {
    let rules = Rules::built_in();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recognition");
    for layout in layouts() {
        let path = layout.make(&folder);
        let file = fs::read(&path).expect("an image");
        let image = Image::open(file).unwrap_or_else(|error| panic!("{}: {error}", layout.name));
        let mut whole = ImageFacts::of(&layout.facts.name, &image);
        whole.size = layout.facts.size;
        let mut expected = layout.facts.clone();
        expected.application.clone_from(&whole.application);
        assert_eq!(whole, expected, "{}", layout.name);
        assert_eq!(
            recognise(&image, &whole, &rules),
            recognise(&layout, &expected, &rules),
            "{}",
            layout.name
        );
        fs::remove_file(&path).expect("removed");
    }
}

/// An entry that is offered has its files: nothing that cannot work.
#[test]
fn what_is_offered_is_there() {
    use pxe_image::{How, Piece, Tree as _};
    let rules = Rules::built_in();
    let mut pieces = 0;
    for layout in layouts() {
        for entry in recognise(&layout, &layout.facts, &rules).entries {
            let mut all = Vec::new();
            match entry.how {
                How::Linux { kernel, initrds, .. } => {
                    all.push(kernel);
                    all.extend(initrds.into_iter().map(|initrd| initrd.piece));
                }
                How::Wimboot { wim, .. } => all.push(wim),
                How::Chain { program, .. } => all.push(program),
                _ => {}
            }
            for piece in all {
                if let Piece::Inside(path) = piece {
                    pieces += 1;
                    let there = layout.look(&path).expect("memory");
                    assert!(there.is_some(), "{}: {path}", layout.name);
                }
            }
        }
    }
    assert!(pieces > 60, "only {pieces} files");
}

/// The manual has the table of rules, and what it says of writing them is a rule.
#[test]
fn the_manual_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images.md");
    let page = fs::read_to_string(&path).expect("the manual");
    let (before, _) =
        page.split_once("\n| images | rule |").unwrap_or_else(|| (page.trim_end(), ""));
    let expected = format!("{before}\n{}", pxe_image::recognise::rules_markdown());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).expect("written");
    }
    let found = fs::read_to_string(&path).expect("the manual");
    assert!(found == expected, "UPDATE_DOCS=1 cargo test -p pxe-image --test recognition");

    // What configures a machine is no rule.
    let shown = page.split("```toml\n").skip(1).filter(|text| !text.starts_with("[[host]]"));
    let shown: Vec<&str> = shown.collect();
    assert_eq!(shown.len(), 2);
    for text in shown {
        let (text, _) = text.split_once("```").expect("an end");
        if let Err(faults) = Overrides::parse(text) {
            panic!("{faults}\n{text}");
        }
    }
    for capability in Capability::ALL {
        assert!(page.contains(&format!("`{capability}`")), "{capability}");
    }
}
