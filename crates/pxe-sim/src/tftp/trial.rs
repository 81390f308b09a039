//! Many cases, tried one after another, and what a failing test says about the first that is not right.

use core::ops::Range;
use std::env;

use super::case::{Case, Fetcher, Played};
use super::station::End;
use crate::random::Random;

/// Lines of the transcript in the message of a failing test.
const STORY_LINES: usize = 60;

/// What came of the cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cases tried.
    pub cases: u64,
    /// Those in which the client had to give up, and said so.
    pub gave_up: u64,
}

/// Tries every case; `judge` says what must hold beyond that it ends well or with an error.
///
/// # Panics
/// At the first case that is not right, with its line, its story and how to try it again.
pub fn try_all(
    cases: impl IntoIterator<Item = Case>,
    judge: impl Fn(&Case, &Played) -> Result<(), String>,
) -> Tally {
    let mut tally = Tally::default();
    for case in cases {
        let played = match case.play().and_then(|played| judge(&case, &played).map(|()| played)) {
            Ok(played) => played,
            Err(why) => panic!("{why}\n{}", again(&case)),
        };
        tally.cases += 1;
        tally.gave_up += u64::from(matches!(played.end, Some(End::Failed(_))));
    }
    tally
}

/// How to try a case again, and its story.
#[must_use]
pub fn again(case: &Case) -> String {
    let story = case.story(STORY_LINES);
    format!("again: PXE_CASE='{case}' cargo test -p pxe-sim --test tftp\n{story}")
}

/// Not more DATA packets than what befell them excuses.
///
/// # Errors
/// If there were more.
pub fn wastes_nothing(case: &Case, played: &Played) -> Result<(), String> {
    let (sent, most) = (played.data_sent, case.data_max(played));
    match sent <= most || played.end != Some(End::Whole) {
        true => Ok(()),
        false => Err(format!("{sent} DATA packets, {most} at most: {:?}", played.accidents)),
    }
}

/// The seeds to try: `PXE_SEED` alone, or as many as `PXE_CASES` says, or `count`.
///
/// # Panics
/// If one of the two is no number.
#[must_use]
pub fn seeds(count: u64) -> Range<u64> {
    let number = |name| {
        let value = env::var(name).ok();
        value.map(|value| value.parse::<u64>().unwrap_or_else(|_| panic!("{name} is no number")))
    };
    match number("PXE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("PXE_CASES").unwrap_or(count),
    }
}

/// Every combination of accidents, windows and block sizes, once for each seed.
pub fn grid(fetcher: Fetcher, seeds: Range<u64>) -> impl Iterator<Item = Case> {
    const LOSS: [u16; 4] = [0, 10, 50, 200];
    const DOUBLED: [u16; 2] = [0, 30];
    const OVERTAKEN: [u16; 2] = [0, 30];
    const WINDOWS: [u16; 5] = [1, 2, 4, 16, 64];
    const BLOCK_SIZES: [u16; 3] = [8, 512, 1468];
    const BLOCKS: usize = 150;
    let networks = LOSS.into_iter().flat_map(|loss| {
        DOUBLED.into_iter().flat_map(move |doubled| {
            OVERTAKEN.into_iter().map(move |overtaken| (loss, doubled, overtaken))
        })
    });
    let shapes = WINDOWS
        .into_iter()
        .flat_map(|window| BLOCK_SIZES.into_iter().map(move |block_size| (window, block_size)));
    let cells = networks.flat_map(move |network| shapes.clone().map(move |shape| (network, shape)));
    let cells: Vec<_> = cells.collect();
    seeds.flat_map(move |round| {
        let numbered: Vec<_> = (round * 1000..).zip(cells.clone()).collect();
        numbered.into_iter().map(
            move |(seed, ((loss, doubled, overtaken), (window, block_size)))| Case {
                fetcher,
                window,
                block_size,
                bytes: usize::from(block_size) * BLOCKS + (seed % 9) as usize,
                loss,
                doubled,
                overtaken,
                single_port: seed % 2 == 1,
                seed,
                ..Case::plain()
            },
        )
    })
}

/// A case in which everything follows from the seed.
#[must_use]
pub fn anything(fetcher: Fetcher, seed: u64) -> Case {
    let mut random = Random::new(seed);
    let mut pick = |values: &[u32]| values[random.below(values.len() as u64) as usize];
    let block_size = pick(&[8, 9, 512, 1024, 1468]);
    let blocks = pick(&[0, 1, 2, 5, 20, 63, 64, 65, 150]);
    Case {
        fetcher,
        window: pick(&[1, 2, 3, 4, 7, 8, 16, 32, 64]) as u16,
        block_size: block_size as u16,
        bytes: (block_size * blocks + pick(&[0, 0, 1, 7])) as usize,
        loss: pick(&[0, 0, 1, 5, 10, 20, 50, 100]) as u16,
        doubled: pick(&[0, 0, 10, 30, 100]) as u16,
        overtaken: pick(&[0, 0, 5, 30, 100]) as u16,
        delay_us: pick(&[50, 500, 1000, 5000, 40_000, 200_000]),
        single_port: pick(&[0, 1]) == 1,
        seed,
        ..Case::plain()
    }
}
