#![doc = include_str!("../README.md")]

mod client;
mod error;
#[cfg(feature = "_fuzz")]
#[doc(hidden)]
#[allow(missing_docs)]
pub mod fuzz;
pub mod limits;
mod negotiate;
pub mod netascii;
mod options;
mod packet;
mod parse;
mod receiver;
mod server;

pub use client::{Attempts, Chunk, Client, ClientConfig, Piece, TransferError};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, ErrorCode, ErrorText};
pub use negotiate::{Negotiated, NegotiationLimits, negotiate};
pub use options::{
    Options, OptionsView, RawOption, RequestOptions, name as option_name, put_option,
};
pub use packet::{Mode, Packet, RequestView};
pub use server::{
    BlockSource, Busy, ContentInfo, Dropped, Event, FailureReason, LocalPort, ReadFailure, Request,
    Server, ServerConfig, TransferId, Transmit, UploadInfo, WriteFailure,
};
