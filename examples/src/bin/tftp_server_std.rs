//! A TFTP server on blocking `std` sockets: one thread waits on each socket, one runs the machine.
//!
//! ```sh
//! cargo build -p pxe-examples && sudo target/debug/tftp_server_std FOLDER      # port 69
//! target/debug/tftp_server_std FOLDER 10069                                    # without rights
//! ```

use core::time::Duration;
use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Weak};
use std::time::Instant;
use std::{env, io, thread};

use pxe_select::names;
use pxe_tftp::{
    BlockSource, ContentInfo, ErrorCode, LocalPort, ReadFailure, Request, Server, ServerConfig,
    TransferId, Transmit,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args_os().skip(1);
    let root = words.next().ok_or("usage: tftp_server_std FOLDER [PORT]")?;
    let port = match words.next() {
        Some(word) => word.to_str().ok_or("no number")?.parse()?,
        None => 69,
    };
    let listener = Arc::new(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?);
    let (sender, datagrams) = mpsc::channel();
    listen(LocalPort::Listener, &listener, sender.clone())?;
    println!("ready on port {port}");

    let mut driver = Driver {
        server: Server::new(ServerConfig::default()),
        root: PathBuf::from(root).canonicalize()?,
        files: Files::default(),
        sockets: HashMap::new(),
        listener,
        sender,
    };
    loop {
        let now = Instant::now();
        let wait = match driver.server.poll_timeout() {
            Some(deadline) => deadline.saturating_duration_since(now),
            None => Duration::from_secs(3600),
        };
        match datagrams.recv_timeout(wait) {
            Ok(inbound) => driver.take(&inbound),
            Err(RecvTimeoutError::Timeout) => driver.server.handle_timeout(Instant::now()),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        driver.flush()?;
    }
}

/// A datagram and where it arrived.
struct Inbound {
    port: LocalPort,
    peer: SocketAddr,
    datagram: Vec<u8>,
}

/// Waits on a socket in a thread of its own, until nobody else has the socket any more.
fn listen(port: LocalPort, socket: &Arc<UdpSocket>, sender: Sender<Inbound>) -> io::Result<()> {
    let socket: Weak<UdpSocket> = Arc::downgrade(socket);
    if let Some(socket) = socket.upgrade() {
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    }
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Some(socket) = socket.upgrade() {
            let Ok((length, peer)) = socket.recv_from(&mut buffer) else { continue };
            let datagram = buffer[..length].to_vec();
            if sender.send(Inbound { port, peer, datagram }).is_err() {
                return;
            }
        }
    });
    Ok(())
}

struct Driver {
    server: Server,
    root: PathBuf,
    files: Files,
    /// Each transfer answers from a port of its own (RFC 1350 section 4).
    sockets: HashMap<TransferId, Arc<UdpSocket>>,
    listener: Arc<UdpSocket>,
    sender: Sender<Inbound>,
}

impl Driver {
    fn take(&mut self, inbound: &Inbound) {
        let Inbound { port, peer, datagram } = inbound;
        let now = Instant::now();
        let dropped = match *port {
            LocalPort::Transfer(id) => self.server.handle_datagram(now, id, *peer, datagram).err(),
            LocalPort::Listener => match self.server.handle_request(now, *peer, datagram) {
                Ok(Some(request)) => {
                    open_and_accept(&mut self.server, &mut self.files, &self.root, now, request);
                    None
                }
                Ok(None) => None,
                Err(dropped) => Some(dropped),
            },
        };
        if let Some(why) = dropped {
            println!("dropped from {peer}: {why}");
        }
    }

    /// Sends and tells all there is.
    fn flush(&mut self) -> io::Result<()> {
        let mut out = Vec::new();
        while let Some(to) = self.server.poll_transmit(Instant::now(), &mut self.files, &mut out) {
            let socket = self.socket(to)?;
            for datagram in to.datagrams(&out) {
                if let Err(error) = socket.send_to(datagram, to.peer) {
                    println!("cannot send to {}: {error}", to.peer);
                }
            }
        }
        while let Some(event) = self.server.poll_event() {
            println!("{event:?}");
            if event.is_end() {
                self.files.0.remove(&event.transfer());
                self.sockets.remove(&event.transfer());
            }
        }
        Ok(())
    }

    fn socket(&mut self, to: Transmit) -> io::Result<Arc<UdpSocket>> {
        let LocalPort::Transfer(id) = to.port else { return Ok(Arc::clone(&self.listener)) };
        if let Some(socket) = self.sockets.get(&id) {
            return Ok(Arc::clone(socket));
        }
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?);
        listen(to.port, &socket, self.sender.clone())?;
        self.sockets.insert(id, Arc::clone(&socket));
        Ok(socket)
    }
}

fn open_and_accept(
    server: &mut Server,
    files: &mut Files,
    root: &Path,
    now: Instant,
    request: Request<'_>,
) {
    println!("{} asks for {}", request.peer(), request.file_name().escape_ascii());
    match open(root, request.file_name()) {
        Ok((file, size)) => {
            // If the server is busy it has told the client.
            if let Ok(id) = server.accept(now, request, ContentInfo::new(size)) {
                files.0.insert(id, file);
            }
        }
        Err(error) => {
            let code = match error.kind() {
                ErrorKind::NotFound => ErrorCode::FILE_NOT_FOUND,
                _ => ErrorCode::ACCESS_VIOLATION,
            };
            server.reject(now, request, code, "cannot open");
        }
    }
}

/// Opens a file beneath the folder, never one above it, not even through a link.
fn open(root: &Path, name: &[u8]) -> io::Result<(File, u64)> {
    let refused = |_| io::Error::from(ErrorKind::PermissionDenied);
    let name = names::normalise(name).map_err(|_| io::Error::from(ErrorKind::PermissionDenied))?;
    let path = root.join(core::str::from_utf8(&name.bytes).map_err(refused)?).canonicalize()?;
    if !path.starts_with(root) || !path.is_file() {
        return Err(ErrorKind::PermissionDenied.into());
    }
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

#[derive(Default)]
struct Files(HashMap<TransferId, File>);

impl BlockSource for Files {
    fn read_at(
        &mut self,
        transfer: TransferId,
        offset: u64,
        block: &mut [u8],
    ) -> Result<usize, ReadFailure> {
        let file = self.0.get_mut(&transfer).ok_or(ReadFailure::Failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(|_| ReadFailure::Failed)?;
        let mut filled = 0;
        while filled < block.len() {
            match file.read(&mut block[filled..]).map_err(|_| ReadFailure::Failed)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }
}
