//! An XDND target for a window that somebody else's connection owns.
//!
//! The framework's own window says that it takes drops, and then turns every one down. So the window is given a
//! proxy (`XdndProxy`): a window of our own, on a connection of our own, to which sources send what is meant for
//! the other.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
    SelectionNotifyEvent, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::{Atoms, VERSION};
use crate::uri::paths;
use crate::{Refused, Visit, is_dragging};

/// The longest list that is read, in units of four bytes.
const LONGEST: u32 = 1 << 18;

/// Takes files for a window, until it is dropped.
pub struct Catcher {
    connection: Arc<RustConnection>,
    atoms: Atoms,
    /// The window that files are dropped on, and its proxy.
    window: Window,
    proxy: Window,
    thread: Option<JoinHandle<()>>,
}

struct Target {
    connection: Arc<RustConnection>,
    atoms: Atoms,
    proxy: Window,
    /// Who drags files over the window now.
    source: Option<Window>,
    /// The window that the drop is for, as the source names it.
    dropped_on: Window,
    tell: Box<dyn Fn(Visit) + Send>,
}

impl Catcher {
    pub(crate) fn new(window: Window, tell: Box<dyn Fn(Visit) + Send>) -> Result<Self, Refused> {
        let (connection, screen) = x11rb::connect(None)?;
        let atoms = Atoms::new(&connection)?.reply()?;
        let root = connection.setup().roots[screen].root;
        let proxy = connection.generate_id()?;
        let aux = CreateWindowAux::new().override_redirect(1);
        connection.create_window(0, proxy, root, -10, -10, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &aux)?;
        let number = |on, name, kind, value: u32| {
            connection.change_property32(PropMode::REPLACE, on, name, kind, &[value])
        };
        number(proxy, atoms.XdndAware, AtomEnum::ATOM, VERSION)?;
        // A proxy says so itself, so that a property that was left behind misleads nobody.
        number(proxy, atoms.XdndProxy, AtomEnum::WINDOW, proxy)?;
        number(window, atoms.XdndAware, AtomEnum::ATOM, VERSION)?;
        // The last of them is waited for: the window may be gone.
        number(window, atoms.XdndProxy, AtomEnum::WINDOW, proxy)?.check()?;
        let connection = Arc::new(connection);
        let mut target = Target {
            connection: Arc::clone(&connection),
            atoms,
            proxy,
            source: None,
            dropped_on: window,
            tell,
        };
        let thread = std::thread::Builder::new()
            .name("backline-drop".to_owned())
            .spawn(move || {
                // When the server goes, so does the window.
                let _ = target.run();
            })
            .map_err(|error| Refused::System(error.to_string()))?;
        Ok(Self { connection, atoms, window, proxy, thread: Some(thread) })
    }
}

impl Drop for Catcher {
    fn drop(&mut self) {
        let stop = ClientMessageEvent::new(32, self.proxy, self.atoms.STOP, [0; 5]);
        let _ = self.connection.delete_property(self.window, self.atoms.XdndProxy);
        let told = self.connection.send_event(false, self.proxy, EventMask::NO_EVENT, stop);
        let sent = told.is_ok() && self.connection.flush().is_ok();
        if let Some(thread) = self.thread.take().filter(|_| sent) {
            let _ = thread.join();
        }
    }
}

impl Target {
    fn run(&mut self) -> Result<(), Refused> {
        loop {
            match self.connection.wait_for_event()? {
                Event::ClientMessage(message) if message.format == 32 => {
                    if message.type_ == self.atoms.STOP {
                        return Ok(());
                    }
                    self.hear(&message)?;
                }
                Event::SelectionNotify(notice) => self.take(&notice)?,
                // Who drags may vanish at any moment.
                _ => {}
            }
        }
    }

    fn hear(&mut self, message: &ClientMessageEvent) -> Result<(), Refused> {
        let data = message.data.as_data32();
        let (source, atoms) = (data[0], self.atoms);
        if message.type_ == atoms.XdndEnter {
            self.source = self.gives_files(source, &data)?.then_some(source);
            self.dropped_on = message.window;
            if self.source.is_some() {
                (self.tell)(Visit::Over);
            }
        } else if message.type_ == atoms.XdndPosition {
            let accepts = u32::from(self.source == Some(source));
            let action = if accepts == 1 { atoms.XdndActionCopy } else { 0 };
            self.say(source, atoms.XdndStatus, [message.window, accepts, 0, 0, action])?;
        } else if message.type_ == atoms.XdndLeave {
            self.leave();
        } else if message.type_ == atoms.XdndDrop {
            if self.source == Some(source) {
                self.connection.convert_selection(
                    self.proxy,
                    atoms.XdndSelection,
                    atoms.URI_LIST,
                    atoms.LIST,
                    data[2],
                )?;
                self.connection.flush()?;
            } else {
                self.finish(source, false)?;
            }
        }
        Ok(())
    }

    fn leave(&mut self) {
        if self.source.take().is_some() {
            (self.tell)(Visit::Left);
        }
    }

    /// Whether the source offers files. What is dragged out of this program is not dropped into it.
    fn gives_files(&self, source: Window, data: &[u32; 5]) -> Result<bool, Refused> {
        if is_dragging() {
            return Ok(false);
        }
        let list = self.atoms.URI_LIST;
        if data[1] & 1 == 0 {
            return Ok(data[2..].contains(&list));
        }
        let types =
            self.connection.get_property(false, source, self.atoms.XdndTypeList, AtomEnum::ATOM, 0, 1_024)?;
        let types = types.reply().ok();
        Ok(types.and_then(|t| t.value32().map(|mut t| t.any(|atom| atom == list))).unwrap_or(false))
    }

    /// The list has come.
    fn take(&mut self, notice: &SelectionNotifyEvent) -> Result<(), Refused> {
        let Some(source) = self.source.take() else { return Ok(()) };
        let list = if notice.property == x11rb::NONE {
            None
        } else {
            let property = notice.property;
            let got = self.connection.get_property(true, self.proxy, property, AtomEnum::ANY, 0, LONGEST)?;
            got.reply().ok().map(|got| got.value)
        };
        let files: Vec<PathBuf> = list.map(|list| paths(&list)).unwrap_or_default();
        self.finish(source, !files.is_empty())?;
        (self.tell)(if files.is_empty() { Visit::Left } else { Visit::Dropped(files) });
        Ok(())
    }

    fn finish(&self, source: Window, taken: bool) -> Result<(), Refused> {
        let action = if taken { self.atoms.XdndActionCopy } else { 0 };
        self.say(source, self.atoms.XdndFinished, [self.dropped_on, u32::from(taken), action, 0, 0])
    }

    fn say(&self, to: Window, what: u32, data: [u32; 5]) -> Result<(), Refused> {
        let event = ClientMessageEvent::new(32, to, what, data);
        self.connection.send_event(false, to, EventMask::NO_EVENT, event)?;
        self.connection.flush()?;
        Ok(())
    }
}
