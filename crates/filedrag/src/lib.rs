//! Drags files out of a window into another program, and takes files that are dropped on a window.
//!
//! On Linux this is an XDND source of our own, version 5 of freedesktop.org's "Drag-and-Drop Protocol for
//! the X Window System"; plug-in windows of Wayland hosts run through XWayland and are served by it too.
//! On Windows it is an OLE data object that gives the files as `CF_HDROP`, on macOS a dragging session of AppKit's.
//! Elsewhere nothing is built, and [`drag`] says so: the caller then offers the file's path.
//! Taking files that are dropped is built for Linux alone; elsewhere [`catch`] says so.
//!
//! The files have to be there before the drag begins, and have to stay: the program they are dropped on
//! may read them later.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

mod address;
#[cfg(target_os = "macos")]
#[allow(unsafe_code, reason = "a class of AppKit's is made of unsafe parts")]
mod appkit;
#[cfg(windows)]
mod ole;
#[cfg(target_os = "linux")]
mod uri;
#[cfg(target_os = "linux")]
mod x11;

#[cfg(target_os = "macos")]
use appkit as system;
#[cfg(windows)]
use ole as system;
#[cfg(target_os = "linux")]
use x11 as system;

pub use address::file_path;
#[cfg(windows)]
pub use ole::data_object;
#[cfg(target_os = "linux")]
pub use uri::uri_list;
#[cfg(target_os = "linux")]
pub use x11::target::Catcher;

/// Drags out of this program that go on now.
static DRAGS: AtomicUsize = AtomicUsize::new(0);

/// What happens to a window that takes files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visit {
    /// Files are held over it.
    Over,
    /// They have gone again.
    Left,
    /// They were dropped.
    Dropped(Vec<PathBuf>),
}

/// Whether files are dragged out of this program now.
pub fn is_dragging() -> bool {
    DRAGS.load(Ordering::Acquire) > 0
}

/// Where nothing is built.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod system {
    pub fn drag(_files: &[&std::path::Path]) -> Result<super::Outcome, super::Refused> {
        Err(super::Refused::NotBuilt)
    }
}

/// How a drag ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Another program took the files.
    Dropped,
    /// They were let go where nothing takes files, or the drag was cancelled.
    Cancelled,
}

/// Why a drag could not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no way yet on this system.
    #[error("Dragging out of the window is not built for this system yet. Use Copy path or Open folder.")]
    NotBuilt,
    /// The pointer's button is not down.
    #[error("Nothing is being held, so there is nothing to drag.")]
    NotHeld,
    /// The window system refused.
    #[error("The window system refused the drag ({0}). Use Copy path or Open folder.")]
    System(String),
}

/// Drags `files` with the button that is being held, and returns when it is let go. Blocks: call it from
/// a thread of its own.
///
/// # Errors
/// The drag could not begin.
pub fn drag(files: &[&Path]) -> Result<Outcome, Refused> {
    DRAGS.fetch_add(1, Ordering::AcqRel);
    let outcome = system::drag(files);
    DRAGS.fetch_sub(1, Ordering::AcqRel);
    outcome
}

/// Takes files that are dropped on the X11 window `window`, which may belong to another connection, until the
/// [`Catcher`] is dropped. `tell` is called on a thread of its own. What is dragged out of this program by
/// [`drag`] is not taken.
///
/// # Errors
/// The window system refused.
#[cfg(target_os = "linux")]
pub fn catch(window: u32, tell: impl Fn(Visit) + Send + 'static) -> Result<Catcher, Refused> {
    Catcher::new(window, Box::new(tell))
}

/// Takes files that are dropped on a window; not built for this system yet.
#[cfg(not(target_os = "linux"))]
pub struct Catcher(());

/// Not built for this system yet.
///
/// # Errors
/// Always [`Refused::NotBuilt`].
#[cfg(not(target_os = "linux"))]
pub fn catch(_window: u32, _tell: impl Fn(Visit) + Send + 'static) -> Result<Catcher, Refused> {
    Err(Refused::NotBuilt)
}
