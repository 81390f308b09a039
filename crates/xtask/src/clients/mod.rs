//! Real TFTP clients against the built server: every file, both families of addresses, both ways to use sockets; and
//! files that they send.

mod fetch;
mod files;
mod probe;
mod programs;
mod scene;

use core::cmp::Reverse;
use core::time::Duration;
use std::fs;
use std::path::Path;
use std::time::Instant;

use self::fetch::{Fetch, Fetched, Folders};
use self::files::{Files, names};
use self::programs::{CLIENTS, Client, Way};
use self::scene::{Family, NARROW_MTU, Place, Ports, Scene, address};
use crate::error::{Context as _, Result, fail};
use crate::packages::{self, Need};
use crate::process::{capture, find_program};
use crate::report::Outcome;

/// What the step needs from the system, besides the clients themselves.
pub(crate) const NEEDS: &[&Need] = &[&packages::WIRE];
/// Folders of the files that are served, and of those that came.
const ROOT: &str = "boot";
const OUT: &str = "out";
/// Complaints of one client that are shown; one fault often shows in many fetches.
const COMPLAINTS_MAX: usize = 5;

/// What the clients need.
pub(crate) fn needs() -> Vec<&'static Need> {
    NEEDS.iter().copied().chain(CLIENTS.iter().map(|client| client.need)).collect()
}

/// Runs everything and reports a line for each client and each look. `skip` says what to do about what cannot run.
/// What the servers said stays if anything failed.
pub(crate) fn run(
    binary: &Path,
    target: &Path,
    skip: fn(String) -> Outcome,
    report: &mut dyn FnMut(&str, Outcome, Duration),
) -> Result<()> {
    let folder = scene::folder(target);
    let _ = fs::remove_dir_all(&folder);
    let mut failed = false;
    let mut note = |name: &str, outcome: Outcome, took: Duration| {
        failed |= matches!(outcome, Outcome::Failed(_));
        report(name, outcome, took);
    };
    let played = play(binary, &folder, skip, &mut note);
    if failed || played.is_err() {
        // They are large, and made again by the next run.
        let _ = fs::remove_dir_all(folder.join(ROOT));
        let _ = fs::remove_dir_all(folder.join(OUT));
        println!("what the servers said: {}", folder.display());
        return played;
    }
    fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))
}

fn play(
    binary: &Path,
    folder: &Path,
    skip: fn(String) -> Outcome,
    report: &mut dyn FnMut(&str, Outcome, Duration),
) -> Result<()> {
    let folders = Folders { root: folder.join(ROOT), out: folder.join(OUT) };
    let (root, out) = (&folders.root, &folders.out);
    let files = Files::new();
    files.write(root)?;
    fs::create_dir_all(out).context(|| format!("making {}", out.display()))?;
    let mut scene = Scene::build(binary, root, folder)?;
    if !scene.families.contains(&Family::V6) {
        let why = "this kernel has no IPv6: nothing was fetched by it".to_owned();
        report("clients, IPv6", skip(why), Duration::ZERO);
    }
    let mut fetches = plan(&scene, skip, report);
    // What takes longest begins first.
    fetches.sort_by_key(|fetch| Reverse(files.content(&fetch.file).len()));
    let fetched = fetch::all(&fetches, &scene, &files, &folders)?;
    for client in CLIENTS.iter().filter(|client| client.need.is_met()) {
        let own = fetches.iter().zip(&fetched);
        let own: Vec<_> = own.filter(|(fetch, _)| fetch.client.name == client.name).collect();
        // Of all its fetches together; some run at a time.
        let took = own.iter().map(|(_, fetched)| fetched.took).sum();
        report(client.name, outcome(client, &own, &files), took);
    }
    let started = Instant::now();
    let sources = look_at_sources(&scene, &files);
    report("second address", judged(sources), started.elapsed());
    let started = Instant::now();
    let sizes = look_at_sizes(&scene, &files);
    report("narrow link", judged(sizes), started.elapsed());
    let started = Instant::now();
    let refused = look_at_refusals(&scene, &folders);
    report("existing file", judged(refused), started.elapsed());
    report("stories", judged(stories(&scene, &fetches, &fetched)), Duration::ZERO);
    scene.stop()
}

fn judged(result: Result<String>) -> Outcome {
    match result {
        Ok(text) => Outcome::Passed(text),
        Err(why) => Outcome::Failed(why.to_string()),
    }
}

/// Every fetch that this system's clients can make.
fn plan(
    scene: &Scene,
    skip: fn(String) -> Outcome,
    report: &mut dyn FnMut(&str, Outcome, Duration),
) -> Vec<Fetch> {
    let mut fetches = Vec::new();
    for client in CLIENTS {
        if !client.need.is_met() {
            let advice = packages::advice(&[client.need]);
            let why = format!("{} is missing ({advice})", client.need.what);
            report(client.name, skip(why), Duration::ZERO);
            continue;
        }
        for way in client.ways {
            match too_old(way) {
                Some(why) => report(client.name, skip(why), Duration::ZERO),
                None => plan_way(scene, client, way, &mut fetches),
            }
        }
    }
    fetches
}

fn plan_way(scene: &Scene, client: &'static Client, way: &'static Way, fetches: &mut Vec<Fetch>) {
    for family in scene.families.iter().copied() {
        for ports in Ports::ALL {
            let fetch = |file: &String, place| Fetch {
                client,
                way,
                file: file.clone(),
                family,
                ports,
                place,
            };
            let files = names(way, family as usize);
            fetches.extend(files.iter().map(|file| fetch(file, Place::First)));
            // The last is the multiple of its block, or the text.
            if let Some(file) = files.last() {
                fetches.extend([fetch(file, Place::Second), fetch(file, Place::Narrow)]);
            }
        }
    }
}

/// Why a client's version cannot be called in this way.
fn too_old(way: &Way) -> Option<String> {
    let word = way.since?;
    let program = find_program(way.program())?;
    let has_word = |bytes: Vec<u8>| {
        bytes.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    match fs::read(&program).is_ok_and(has_word) {
        true => None,
        false => Some(format!("{}: this version does not know {word}", way.what)),
    }
}

fn outcome(client: &Client, fetches: &[(&Fetch, &Fetched)], files: &Files) -> Outcome {
    let complaints: Vec<String> = fetches
        .iter()
        .filter_map(|(_, fetched)| fetched.outcome.as_ref().err().map(ToString::to_string))
        .collect();
    if !complaints.is_empty() {
        let shown = complaints.iter().take(COMPLAINTS_MAX).cloned().collect::<Vec<_>>();
        let (failed, all) = (complaints.len(), fetches.len());
        return Outcome::Failed(format!("{failed} of {all} files\n  {}", shown.join("\n  ")));
    }
    let bytes: usize = fetches.iter().map(|(fetch, _)| files.content(&fetch.file).len()).sum();
    let ways = client.ways.len();
    let cannot = match client.cannot {
        "" => String::new(),
        cannot => format!("; {cannot}"),
    };
    let count = fetches.len();
    Outcome::Passed(format!("{count} files in {ways} ways, {} MB{cannot}", bytes / 1_000_000))
}

/// A server with two addresses on one interface answers from the one that was asked, from first to last.
fn look_at_sources(scene: &Scene, files: &Files) -> Result<String> {
    let file = "bytes-58720";
    let mut looked = 0;
    for ports in Ports::ALL {
        for family in scene.families {
            for place in [Place::First, Place::Second, Place::Narrow] {
                let asked = address(ports, place, *family);
                let seen = scene.clients.inside(|| probe::look(asked, file))?;
                let [source] = seen.sources.iter().collect::<Vec<_>>()[..] else {
                    let sources = &seen.sources;
                    return fail(format!("{}, {asked}: answers from {sources:?}", ports.line()));
                };
                let is_right = source.ip() == asked
                    && (source.port() == 69) == (ports == Ports::Single)
                    && seen.content == files.content(file);
                if !is_right {
                    return fail(format!("{}: {asked} was asked, {source} answered", ports.line()));
                }
                looked += 1;
            }
        }
    }
    Ok(format!("{looked} transfers from the address that was asked, and one port each"))
}

/// On a link with a small MTU, blocks fit it, and nothing has to be cut.
fn look_at_sizes(scene: &Scene, files: &Files) -> Result<String> {
    let file = "bytes-58720";
    let mut answered = Vec::new();
    for ports in Ports::ALL {
        let before = scene.host(ports)?.inside(probe::fragmented)?;
        for family in scene.families {
            let asked = address(ports, Place::Narrow, *family);
            let seen = scene.clients.inside(|| probe::look(asked, file))?;
            // IP, UDP and TFTP.
            let headers = if *family == Family::V4 { 20 + 8 + 4 } else { 40 + 8 + 4 };
            let fits = NARROW_MTU as usize - headers;
            let told = format!("{}, {}", ports.line(), family.name());
            if seen.block_bytes != fits {
                return fail(format!("{told}: blocks of {}, not {fits}", seen.block_bytes));
            }
            if seen.largest != fits + 4 || seen.content != files.content(file) {
                return fail(format!("{told}: a datagram of {} bytes", seen.largest));
            }
            answered.push(fits.to_string());
        }
        let cut = scene.host(ports)?.inside(probe::fragmented)? - before;
        if cut > 0 {
            return fail(format!("{}: {cut} packets were cut into fragments", ports.line()));
        }
    }
    answered.dedup();
    answered.truncate(scene.families.len());
    Ok(format!("blocks of {} at an MTU of {NARROW_MTU}, none cut", answered.join(" and ")))
}

/// A file that exists is not overwritten, whoever sends another of its name.
fn look_at_refusals(scene: &Scene, folders: &Folders) -> Result<String> {
    const NAME: &str = "kept";
    const KEPT: &str = "as it was";
    let mut refused = 0;
    for ports in Ports::ALL {
        let kept = scene.uploads(ports)?.join(NAME);
        fs::write(&kept, KEPT).context(|| format!("writing {}", kept.display()))?;
        for client in CLIENTS.iter().filter(|client| client.need.is_met()) {
            for way in client.ways.iter().filter(|way| way.sends) {
                let server = address(ports, Place::First, Family::V4);
                let sent = folders.root.join("bytes-513");
                let words = way.words(server, NAME, &sent.to_string_lossy());
                // How a client ends then is its own affair: tftp-hpa ends well.
                let _ = capture(&mut scene.clients.command(&words));
                let now = fs::read(&kept).context(|| format!("reading {}", kept.display()))?;
                if now != KEPT.as_bytes() {
                    let line = words.join(" ");
                    return fail(format!("{}: `{line}` overwrote a file", ports.line()));
                }
                refused += 1;
            }
        }
        fs::remove_file(&kept).context(|| format!("removing {}", kept.display()))?;
        let left =
            fs::read_dir(scene.uploads(ports)?).context(|| "looking for leftovers".to_owned())?;
        if let Some(left) = left.flatten().next() {
            return fail(format!("{}: left behind: {}", ports.line(), left.path().display()));
        }
    }
    let story = scene.story(Ports::PerTransfer)?;
    let told = story.iter().filter(|line| line.contains(NAME) && line.contains("exists")).count();
    if told == 0 {
        return fail("the log does not tell of a file that exists");
    }
    Ok(format!("{refused} sent in vain"))
}

/// The servers tell of as many files delivered and stored as arrived.
fn stories(scene: &Scene, fetches: &[Fetch], fetched: &[Fetched]) -> Result<String> {
    let mut told = 0;
    for ports in Ports::ALL {
        let story = scene.story(ports)?;
        let is_end = |line: &&String| line.contains(" delivered ") || line.contains(" stored ");
        let delivered = story.iter().filter(is_end).count();
        let made = fetches.iter().zip(fetched);
        let made = made.filter(|(fetch, it)| fetch.ports == ports && it.outcome.is_ok()).count();
        // And those of the looks: three places and the narrow link again, for each family.
        let made = made + 4 * scene.families.len();
        if delivered != made {
            let odd: Vec<_> = story.iter().filter(|line| is_odd(line)).take(8).cloned().collect();
            return fail(format!(
                "{}: {delivered} deliveries told, {made} made\n    {}",
                ports.line(),
                odd.join("\n    ")
            ));
        }
        told += delivered;
    }
    Ok(format!("{told} files told as delivered or stored"))
}

fn is_odd(line: &str) -> bool {
    let usual =
        [" requested ", " delivered ", " uploading ", " stored ", "no loader for ", "ready"];
    !usual.iter().any(|word| line.contains(word))
}
