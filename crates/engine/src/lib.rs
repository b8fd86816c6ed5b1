//! Joins listening and playing: feed audio, read what is heard, receive the plan.
//!
//! [`Session`] is the live path, the same whether audio comes from a host or from a file.
//! [`offline`] hears a whole recording with hindsight and plans a band for it.
//!
//! ```
//! use backline_engine::Session;
//! use backline_music::{Controls, Metre, Transport};
//!
//! let mut session = Session::new(48_000.0).unwrap();
//! session.set_controls(&Controls { energy: 0.5, ..Controls::default() });
//! let transport = Transport { playing: true, tempo_bpm: 96.0, ..Transport::STOPPED };
//! session.feed(&[0.0; 4800], &transport);
//! assert!(session.heard().time_s <= 0.1);
//! assert!(session.plan().bars.is_empty()); // nothing is played to silence
//! ```

mod ahead;
mod clock;
mod dynamics;
pub mod edits;
pub mod folders;
mod memory;
pub mod offline;
pub mod session;
pub mod taste_file;
mod view;

pub use backline_listen::Models;
pub use backline_play::taste::Judgement;
pub use backline_play::{Form, Line, Taste, Verdict};
pub use edits::{Edits, KeptBar, KeptNote, Take};
pub use offline::{Accompaniment, accompany, analyse_offline, analyse_online};
pub use session::{Session, Status};
pub use taste_file::TasteFile;
pub use view::{HeardCell, Place};

/// Why a session could not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The listener could not be made.
    #[error(transparent)]
    Listen(#[from] backline_listen::ListenError),
}
