//! The load generator: many [`pxe_tftp::Client`] machines in one thread.
//!
//! Each simulated client has an address of its own in 127.0.0.0/8 and fetches its files one after the other, each
//! from a fresh port, as firmware does. Every byte is counted and goes into a checksum. Sockets wait in one epoll,
//! edge-triggered; a wake-up takes a whole window with one `recvmmsg`.

mod transfer;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::time::Instant;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use self::transfer::{Next, Transfer};
use super::batch::Batch;
use super::files::Wanted;
use super::machine::own_seconds;

/// Requests that wait for their first answer at one time. More would overflow the socket of any server, and the
/// second until they are repeated would be measured instead of the server.
const UNANSWERED_MAX: usize = 64;
/// Sockets that one wait reports.
const REPORTS_MAX: usize = 256;
/// How often all timers are looked at, and the longest wait.
const TIMERS_EVERY: Duration = Duration::from_millis(10);

/// What to ask for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where requests go.
    pub server: SocketAddr,
    /// The files, taken in turn.
    pub files: Vec<Wanted>,
    /// Clients at once.
    pub clients: usize,
    /// Files that each client fetches, one after the other.
    pub files_each: usize,
    /// Block size to ask for, in bytes.
    pub block_size: u16,
    /// Window to ask for, in blocks; with 1 the option is not sent.
    pub window: u16,
    /// Datagrams lost in each direction, in thousandths.
    pub loss_permille: u16,
    /// Every client stops after its first block until all are there, and [`Plan::run`] calls back.
    pub hold: bool,
    /// Whether the kernel may hand over joined datagrams (`UDP_GRO`), which no firmware does.
    pub join: bool,
    /// After this long the rest counts as failed.
    pub patience: Duration,
}

/// How it went.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Bytes of files that came whole and right.
    pub bytes: u64,
    /// Files that came whole and right.
    pub complete: usize,
    /// Files that did not.
    pub failed: usize,
    /// Why the first of them did not.
    pub first_failure: Option<String>,
    /// From the first request to the last block.
    pub elapsed: Duration,
    /// Processor time of the generator, in seconds.
    pub own_seconds: f64,
    /// Datagrams that came, and acknowledgements and requests that went.
    pub datagrams: [u64; 2],
}

impl Outcome {
    /// Megabytes (10⁶) in a second.
    pub fn megabytes_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.elapsed.as_secs_f64()
    }

    /// Share of the time that the generator was busy, from 0 to 1.
    pub fn busy(&self) -> f64 {
        self.own_seconds / self.elapsed.as_secs_f64()
    }
}

impl Plan {
    /// One client that fetches one file, block by block of 512 bytes; the file is to be added.
    pub const fn single(server: SocketAddr) -> Self {
        Self {
            server,
            files: Vec::new(),
            clients: 1,
            files_each: 1,
            block_size: 512,
            window: 1,
            loss_permille: 0,
            hold: false,
            join: false,
            patience: Duration::from_secs(10),
        }
    }

    /// Fetches everything. `held` is called once if [`Plan::hold`] is set.
    ///
    /// # Errors
    /// If sockets cannot be had. Transfers that fail are not an error here, they are counted.
    pub fn run(&self, held: &mut dyn FnMut()) -> io::Result<Outcome> {
        let mut generator = Generator::new(self)?;
        let before = own_seconds();
        let started = Instant::now();
        generator.run(started, held)?;
        let mut outcome = generator.outcome;
        outcome.elapsed = started.elapsed();
        outcome.own_seconds = own_seconds() - before;
        Ok(outcome)
    }

    const fn datagram_bytes(&self) -> usize {
        self.block_size as usize + 4
    }
}

struct Generator<'p> {
    plan: &'p Plan,
    epoll: Epoll,
    transfers: Vec<Option<Transfer>>,
    /// Files that each client has begun.
    begun: Vec<usize>,
    /// Clients that may begin a file.
    idle: VecDeque<usize>,
    unanswered: usize,
    held: usize,
    left: usize,
    batch: Batch<()>,
    out: Vec<u8>,
    outcome: Outcome,
}

impl<'p> Generator<'p> {
    fn new(plan: &'p Plan) -> io::Result<Self> {
        let batch = if plan.join {
            Batch::joined(plan.datagram_bytes())
        } else {
            // One more, so that an oversized block is seen as such.
            Batch::new((plan.datagram_bytes() + 1).max(516))
        };
        Ok(Self {
            plan,
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            transfers: (0..plan.clients).map(|_| None).collect(),
            begun: vec![0; plan.clients],
            idle: (0..plan.clients).collect(),
            unanswered: 0,
            held: 0,
            left: plan.clients * plan.files_each,
            batch,
            out: Vec::new(),
            outcome: Outcome::default(),
        })
    }

    fn run(&mut self, started: Instant, held: &mut dyn FnMut()) -> io::Result<()> {
        let mut reports = vec![EpollEvent::empty(); REPORTS_MAX];
        let mut timers_due = started + TIMERS_EVERY;
        while self.left > 0 {
            while self.unanswered < UNANSWERED_MAX
                && let Some(client) = self.idle.pop_front()
            {
                self.begin(client)?;
            }
            let found = match self.epoll.wait(&mut reports, TIMERS_EVERY.as_millis() as u16) {
                Err(nix::errno::Errno::EINTR) => 0,
                found => found?,
            };
            let now = Instant::now();
            for report in &reports[..found] {
                self.serve(now, report.data() as usize);
            }
            if now >= timers_due {
                timers_due = now + TIMERS_EVERY;
                self.handle_timeouts(now);
                if now > started + self.plan.patience {
                    self.give_up();
                }
            }
            if self.plan.hold && self.held == self.plan.clients {
                held();
                self.release();
            }
        }
        Ok(())
    }

    fn begin(&mut self, client: usize) -> io::Result<()> {
        let number = self.begun[client];
        self.begun[client] += 1;
        let files = &self.plan.files;
        // Neighbours start with different files.
        let wanted = (client + number) % files.len();
        let mut transfer = Transfer::open(self.plan, address(client), wanted, (client, number))?;
        let edge = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        self.epoll.add(transfer.socket(), EpollEvent::new(edge, client as u64))?;
        self.outcome.datagrams[1] += transfer.send(Instant::now(), &mut self.out);
        self.transfers[client] = Some(transfer);
        self.unanswered += 1;
        Ok(())
    }

    /// Takes everything that waits for a client.
    fn serve(&mut self, now: Instant, client: usize) {
        // It may have ended earlier in this wake-up.
        let Some(transfer) = &mut self.transfers[client] else { return };
        let (was_answered, was_held) = (transfer.is_answered(), transfer.is_held());
        let next =
            transfer.receive(now, &mut self.batch, &mut self.out, &mut self.outcome.datagrams);
        if !was_answered && (transfer.is_answered() || next != Next::Wait) {
            self.unanswered -= 1;
        }
        self.held += usize::from(transfer.is_held() && !was_held);
        self.conclude(client, next);
    }

    fn conclude(&mut self, client: usize, next: Next) {
        match next {
            Next::Wait => return,
            Next::Complete(bytes) => {
                self.outcome.bytes += bytes;
                self.outcome.complete += 1;
            }
            Next::Failed(why) => self.count_failure(why),
        }
        // Closing the socket takes it out of the epoll.
        self.transfers[client] = None;
        self.left -= 1;
        if self.begun[client] < self.plan.files_each {
            self.idle.push_back(client);
        }
    }

    fn handle_timeouts(&mut self, now: Instant) {
        for client in 0..self.transfers.len() {
            let Some(transfer) = &mut self.transfers[client] else { continue };
            let next = transfer.handle_timeout(now);
            self.outcome.datagrams[1] += transfer.send(now, &mut self.out);
            if next != Next::Wait && !transfer.is_answered() {
                self.unanswered -= 1;
            }
            self.conclude(client, next);
        }
    }

    fn release(&mut self) {
        self.held = 0;
        let now = Instant::now();
        for transfer in self.transfers.iter_mut().flatten() {
            transfer.release();
            self.outcome.datagrams[1] += transfer.send(now, &mut self.out);
        }
    }

    fn give_up(&mut self) {
        let left = core::mem::take(&mut self.left);
        self.count_failure(format!("{left} were not done in {:?}", self.plan.patience));
        self.outcome.failed += left - 1;
    }

    fn count_failure(&mut self, why: String) {
        self.outcome.failed += 1;
        self.outcome.first_failure.get_or_insert(why);
    }
}

/// The address of a client: 127.0.1.1 and on, 250 in each block of 256.
fn address(client: usize) -> Ipv4Addr {
    let [high, low] = [client / 250, client % 250];
    Ipv4Addr::new(127, (high / 250) as u8, (high % 250 + 1) as u8, (low + 1) as u8)
}
