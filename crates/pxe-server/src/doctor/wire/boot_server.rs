//! REQUESTs to port 4011, which concern no address.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io;
use std::net::UdpSocket;
use std::thread;
use std::time::Instant;

use pxe_dhcp::MessageView;

use super::DATAGRAM_BYTES;
use crate::doctor::answer;
use crate::doctor::facts::{BootAnswer, Reached, Segment};
use crate::driver::blocking::is_timeout;

/// How often a boot server is asked; EDK2 does four times.
const TRIES: u32 = 2;
/// How long each may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks every boot server that firmware would ask, all at once.
pub(in crate::doctor) fn ask(segment: &Segment, port: u16, base: u32) -> Vec<BootAnswer> {
    let mut wanted: Vec<(usize, Ipv4Addr)> = Vec::new();
    for answer in &segment.answers {
        let Some(asked) = segment.questions.get(answer.question) else { continue };
        let Some(server) = answer.boot_server().filter(|_| answer.needs_boot_server(asked)) else {
            continue;
        };
        if !wanted.contains(&(answer.question, server)) {
            wanted.push((answer.question, server));
        }
    }
    let mut servers: Vec<Ipv4Addr> = wanted.iter().map(|(_, server)| *server).collect();
    servers.sort_unstable();
    servers.dedup();
    let ask = |server: Ipv4Addr| -> Vec<BootAnswer> {
        let places = wanted.iter().filter(|(_, other)| *other == server).map(|(at, _)| *at);
        let mut answers: Vec<BootAnswer> = Vec::new();
        for question in places {
            // One that said nothing to one firmware will not be waited for again and again.
            let is_dead = answers.first().is_some_and(|it| it.reached != Reached::Answered);
            let (reached, answer) = match is_dead {
                true => (answers[0].reached, None),
                false => ask_one(segment, question, server, (port, base))
                    .unwrap_or((Reached::NotTried, None)),
            };
            answers.push(BootAnswer { question, server, reached, answer });
        }
        answers
    };
    thread::scope(|scope| {
        let asked: Vec<_> =
            servers.into_iter().map(|server| scope.spawn(move || ask(server))).collect();
        asked.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

fn ask_one(
    segment: &Segment,
    question: usize,
    server: Ipv4Addr,
    (port, base): (u16, u32),
) -> io::Result<(Reached, Option<answer::Answer>)> {
    let Some(asked) = segment.questions.get(question) else {
        return Ok((Reached::NotTried, None));
    };
    let socket = UdpSocket::bind((segment.address, 0))?;
    // So that nothing but that port is heard, as by firmware, and a closed port is.
    socket.connect((server, port))?;
    let number = base.wrapping_add(u32::try_from(question).unwrap_or_default());
    let mut out = Vec::new();
    asked.boot_request(segment.mac, number, segment.address, &mut out).map_err(io::Error::other)?;
    let mut buffer = [0; DATAGRAM_BYTES];
    for _ in 0..TRIES {
        if let Err(error) = socket.send(&out) {
            return refused(error);
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let wait = until.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(wait))?;
            let bytes = match socket.recv(&mut buffer) {
                Ok(bytes) => bytes,
                Err(error) if is_timeout(&error) => continue,
                Err(error) => return refused(error),
            };
            let view = MessageView::parse(buffer.get(..bytes).unwrap_or_default());
            let Ok(view) = view else { continue };
            if view.transaction_id() == number
                && let Some(answer) = answer::read(&view, server, question)
            {
                return Ok((Reached::Answered, Some(answer)));
            }
        }
    }
    Ok((Reached::Silent, None))
}

fn refused(error: io::Error) -> io::Result<(Reached, Option<answer::Answer>)> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Ok((Reached::Closed, None)),
        _ => Err(error),
    }
}
