//! A port of our own loopback that leads to one in a namespace: one browser sees the pages of many wires.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use crate::error::{Context as _, Result};
use crate::lab::wire::Namespace;

/// Leads to `127.0.0.1:PORT` of a host until it is dropped; connections that are open end with their ends.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    closed: Arc<AtomicBool>,
}

impl Door {
    /// Opens one to this port of this host.
    pub(crate) fn open(host: &Namespace, port: u16) -> Result<Self> {
        let doing = || "opening a door into a namespace".to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context(doing)?;
        let address = listener.local_addr().context(doing)?;
        let closed = Arc::new(AtomicBool::new(false));
        let (host, is_closed) = (host.clone(), Arc::clone(&closed));
        thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                if is_closed.load(Ordering::SeqCst) {
                    return;
                }
                // Nobody listens there: the visitor is told by the end of the connection.
                let _ = lead(&host, port, visitor);
            }
        });
        Ok(Self { address, closed })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // So that whoever waits for visitors looks.
        let _ = TcpStream::connect(self.address);
    }
}

fn lead(host: &Namespace, port: u16, visitor: TcpStream) -> Result<()> {
    let doing = || "going through a door".to_owned();
    let inside = host.inside(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context(doing))?;
    for stream in [&visitor, &inside] {
        stream.set_nodelay(true).context(doing)?;
    }
    let back = (inside.try_clone().context(doing)?, visitor.try_clone().context(doing)?);
    for (from, to) in [(visitor, inside), back] {
        thread::spawn(move || pass(from, to));
    }
    Ok(())
}

/// One direction, to its end; the other end is told.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    // It may be gone already.
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
