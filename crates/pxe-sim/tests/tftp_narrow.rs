//! A way that is too narrow for the blocks that both ends agreed on: the options come through, and no block does.

use pxe_sim::tftp::case::{Case, Fetcher};
use pxe_sim::tftp::receivers::Style;
use pxe_sim::tftp::station::End;
use pxe_sim::tftp::trial::{seeds, try_all};
use pxe_tftp::Event;

const MTU: u32 = 1_300;
const BLOCK_BYTES: u16 = 1_468;

/// Files of many windows, of one window whose last block is small, and of one large block.
fn narrow(fetcher: Fetcher, seed: u64) -> impl Iterator<Item = Case> {
    [100_000, 20_000, 1_400].into_iter().flat_map(move |bytes| {
        [1, 4, 16].into_iter().flat_map(move |window| {
            [(0, false), (30, true)].into_iter().map(move |(doubled, single_port)| Case {
                fetcher,
                window,
                bytes,
                doubled,
                single_port,
                block_size: BLOCK_BYTES,
                mtu: Some(MTU),
                seed,
                ..Case::plain()
            })
        })
    })
}

#[test]
fn the_server_says_that_its_first_block_never_arrived() {
    for fetcher in Fetcher::all() {
        for seed in seeds(2) {
            let tally = try_all(narrow(fetcher, seed), |_, played| {
                if played.end == Some(End::Whole) {
                    return Err("it cannot have the file".to_owned());
                }
                let ends = played.events.iter().filter(|event| event.is_end());
                for end in ends {
                    let (bytes, resent, asked) = match end {
                        Event::Failed { bytes, blocks_resent, repeated_acks, .. }
                        | Event::ProbeEnded { bytes, blocks_resent, repeated_acks, .. } => {
                            (*bytes, *blocks_resent, *repeated_acks)
                        }
                        other => return Err(format!("{other:?} of what never arrived")),
                    };
                    // All of these repeat themselves, the acknowledgement of the options too.
                    if bytes != 0 || resent == 0 || asked == 0 {
                        return Err(format!("{bytes} {resent} {asked}: {end:?}"));
                    }
                }
                Ok(())
            });
            assert_eq!(tally.cases, tally.gave_up, "{fetcher:?}");
        }
    }
}

#[test]
fn small_blocks_come_through() {
    let cases = Style::ALL.into_iter().map(|(style, _)| Case {
        fetcher: Fetcher::Firmware(style),
        mtu: Some(MTU),
        block_size: 1_024,
        bytes: 100_000,
        ..Case::plain()
    });
    try_all(cases, |_, played| match played.end {
        Some(End::Whole) => Ok(()),
        _ => Err(format!("{:?}", played.events)),
    });
}
