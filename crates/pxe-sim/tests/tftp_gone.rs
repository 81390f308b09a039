//! Somebody's machine is switched off in the middle of a transfer: the other side gives up when it should.

use std::time::Duration;

use pxe_sim::tftp::case::{Case, Fetcher};
use pxe_sim::tftp::station::End;
use pxe_sim::tftp::trial::{seeds, try_all};
use pxe_tftp::limits::{
    CLIENT_TRIES_MAX, FINAL_RESENDS_MAX, NO_PROGRESS_MAX, OPENING_LAST_WAIT, OPENING_RESENDS_MAX,
    RETRANSMIT_BACKOFF_MAX, RETRANSMIT_INITIAL, RETRANSMIT_MAX,
};
use pxe_tftp::{Event, FailureReason};

/// One round trip here, and a little.
const SLACK: Duration = Duration::from_millis(10);

/// So many waits, each twice as long as the one before, up to the limit.
fn waits(first: Duration, count: u32) -> Duration {
    let wait = |doublings: u32| (first * (1 << doublings)).min(RETRANSMIT_BACKOFF_MAX);
    (0..count).map(|number| wait(number.min(8))).sum()
}

/// A client that goes after some datagrams, in every phase of the transfer.
fn gone_clients(fetcher: Fetcher, seed: u64) -> impl Iterator<Item = Case> {
    let networks = [(0, 0), (50, 30)];
    networks.into_iter().flat_map(move |(loss, doubled)| {
        [1, 4, 16].into_iter().flat_map(move |window| {
            (0..24).chain([40, 57]).map(move |hears| Case {
                fetcher,
                window,
                loss,
                doubled,
                bytes: 30_000,
                client_hears: Some(hears),
                single_port: hears % 2 == 1,
                seed,
                ..Case::plain()
            })
        })
    })
}

#[test]
fn the_server_gives_up_in_time() {
    let opening = waits(RETRANSMIT_INITIAL, OPENING_RESENDS_MAX.into()) + OPENING_LAST_WAIT;
    assert_eq!(opening, Duration::from_millis(6100), "as limits say");
    for fetcher in Fetcher::all() {
        for seed in seeds(2) {
            let tally = try_all(gone_clients(fetcher, seed), |case, played| {
                // Ended before the client went, or nothing of it ever arrived.
                if played.end.is_some() {
                    return Ok(());
                }
                let proven =
                    played.events.iter().any(|event| matches!(event, Event::Started { .. }));
                let patience = match proven {
                    true => NO_PROGRESS_MAX,
                    false => opening,
                };
                let took = played.until_rest.saturating_sub(played.elapsed);
                if took > patience + SLACK {
                    return Err(format!("the server gave up after {took:?}: {:?}", played.events));
                }
                let ends = played.events.iter().filter(|event| event.is_end());
                for end in ends.clone() {
                    match end {
                        Event::Finished { last_ack_missing: true, .. }
                        | Event::Failed {
                            reason:
                                FailureReason::NeverAcknowledged
                                | FailureReason::NoProgress
                                | FailureReason::UnwantedCopy,
                            ..
                        } => {}
                        other => return Err(format!("{other:?} of a client that is gone")),
                    }
                }
                match (case.loss, ends.count()) {
                    (0, 1) | (1.., _) => Ok(()),
                    (_, count) => Err(format!("{count} ends")),
                }
            });
            assert!(tally.cases > 100);
        }
    }
}

/// A last window of which the acknowledgement is missing is repeated, but not for half a minute.
#[test]
fn a_client_that_leaves_with_the_file_costs_the_server_seconds() {
    for window in [1, 4, 16] {
        // 20 blocks; it hears the OACK and all of them, and is gone before it says so.
        let case = Case { window, bytes: 19 * 512 + 5, client_hears: Some(21), ..Case::plain() };
        try_all([case], |case, played| {
            let took = played.until_rest.saturating_sub(played.elapsed);
            let last = played.events.last();
            let finished = matches!(last, Some(Event::Finished { .. }));
            // The timer starts at 50 ms here and doubles.
            let patience = Duration::from_millis(50) * ((2 << FINAL_RESENDS_MAX) - 1);
            let resent = played.data_sent - case.blocks();
            let resent_max = u64::from(FINAL_RESENDS_MAX) * u64::from(case.window);
            match finished && took <= patience + SLACK && resent <= resent_max {
                true => Ok(()),
                false => Err(format!("{took:?}, {resent} blocks again, {last:?}")),
            }
        });
    }
}

#[test]
fn our_client_gives_up_in_time() {
    let patience = waits(RETRANSMIT_MAX, CLIENT_TRIES_MAX);
    assert_eq!(patience, Duration::from_secs(27), "as limits say");
    for seed in seeds(2) {
        for (loss, doubled) in [(0, 0), (50, 30)] {
            for window in [1, 4, 16] {
                for hears in 0..24 {
                    let case = Case {
                        fetcher: Fetcher::Ours,
                        window,
                        loss,
                        doubled,
                        bytes: 30_000,
                        server_hears: Some(hears),
                        seed,
                        ..Case::plain()
                    };
                    try_all([case], |_, played| match &played.end {
                        Some(End::Whole) => Ok(()),
                        Some(End::Failed(why)) if why == "the server does not answer" => {
                            // What came last came early: a transfer takes a fraction of a second.
                            let most = patience + Duration::from_secs(3);
                            match played.elapsed <= most {
                                true => Ok(()),
                                false => Err(format!("only after {:?}", played.elapsed)),
                            }
                        }
                        other => Err(format!("{other:?}")),
                    });
                }
            }
        }
    }
}
