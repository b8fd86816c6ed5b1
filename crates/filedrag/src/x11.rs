//! An XDND source that needs no window of the caller's and no grab of the pointer.
//!
//! A plug-in's window belongs to the host's connection, and while a button is down the pointer is grabbed
//! by it. So this source has a connection and a window of its own, looks where the pointer is many times
//! a second, speaks to whatever lies under it, and drops when the button is let go.

pub mod target;

use std::path::Path;
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, KeyButMask, PropMode,
    SelectionNotifyEvent, SelectionRequestEvent, Timestamp, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::{Outcome, Refused, uri_list};

/// The version of the protocol that is spoken.
const VERSION: u32 = 5;
/// How often the pointer is looked at.
const LOOK: Duration = Duration::from_millis(8);
/// How long a target may take to fetch what was dropped on it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Windows within windows that are searched for a target.
const DEEPEST: usize = 16;

x11rb::atom_manager! {
    Atoms: AtomsCookie {
        XdndAware,
        XdndSelection,
        XdndEnter,
        XdndPosition,
        XdndStatus,
        XdndLeave,
        XdndDrop,
        XdndFinished,
        XdndActionCopy,
        XdndProxy,
        XdndTypeList,
        TARGETS,
        URI_LIST: b"text/uri-list",
        PLAIN: b"text/plain",
        LIST: b"BACKLINE_FILES",
        STOP: b"BACKLINE_STOP",
    }
}

/// What can go wrong on the wire; told in the words of the library.
fn system(error: impl std::fmt::Display) -> Refused {
    Refused::System(error.to_string())
}

impl From<ConnectError> for Refused {
    fn from(error: ConnectError) -> Self {
        system(error)
    }
}
impl From<ConnectionError> for Refused {
    fn from(error: ConnectionError) -> Self {
        system(error)
    }
}
impl From<ReplyError> for Refused {
    fn from(error: ReplyError) -> Self {
        system(error)
    }
}
impl From<ReplyOrIdError> for Refused {
    fn from(error: ReplyOrIdError) -> Self {
        system(error)
    }
}

/// A window that takes drops.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Target {
    window: Window,
    /// Where messages go: the window, or its proxy.
    mail: Window,
    version: u32,
}

struct Source {
    connection: RustConnection,
    atoms: Atoms,
    root: Window,
    /// Owns the selection and gets the answers.
    window: Window,
    list: String,
    target: Option<Target>,
    /// The target has answered the last position.
    answered: bool,
    accepts: bool,
    finished: bool,
    last_place: Option<(i16, i16)>,
}

pub(crate) fn drag(files: &[&Path]) -> Result<Outcome, Refused> {
    let mut source = Source::new(uri_list(files))?;
    let outcome = source.run();
    let Source { connection, window, .. } = &source;
    // The drag has ended either way; what is left goes with the connection.
    let _ = connection.destroy_window(*window);
    let _ = connection.flush();
    outcome
}

impl Source {
    fn new(list: String) -> Result<Self, Refused> {
        let (connection, screen) = x11rb::connect(None)?;
        let atoms = Atoms::new(&connection)?.reply()?;
        let root = connection.setup().roots[screen].root;
        let window = connection.generate_id()?;
        let aux = CreateWindowAux::new().override_redirect(1).event_mask(EventMask::PROPERTY_CHANGE);
        connection.create_window(0, window, root, -10, -10, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &aux)?;
        Ok(Self {
            connection,
            atoms,
            root,
            window,
            list,
            target: None,
            answered: true,
            accepts: false,
            finished: false,
            last_place: None,
        })
    }

    fn run(&mut self) -> Result<Outcome, Refused> {
        let time = self.server_time()?;
        if !self.held()?.2 {
            return Err(Refused::NotHeld);
        }
        self.connection.set_selection_owner(self.window, self.atoms.XdndSelection, time)?;
        loop {
            self.answer_all()?;
            let (x, y, held) = self.held()?;
            let under = self.under()?;
            if under != self.target {
                self.leave()?;
                self.target = under;
                self.enter()?;
                self.last_place = None;
            }
            if !held {
                break;
            }
            if self.answered && self.last_place != Some((x, y)) {
                self.position(x, y)?;
            }
            std::thread::sleep(LOOK);
        }
        self.drop_here()
    }

    /// The server's time, which the selection has to be owned since: a change of a property tells it.
    fn server_time(&self) -> Result<Timestamp, Refused> {
        self.connection.change_property8(
            PropMode::APPEND,
            self.window,
            AtomEnum::WM_NAME,
            AtomEnum::STRING,
            b"",
        )?;
        self.connection.flush()?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.connection.poll_for_event()? {
                Some(Event::PropertyNotify(event)) => return Ok(event.time),
                Some(_) => {}
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        Ok(x11rb::CURRENT_TIME)
    }

    /// Where the pointer is on the screen, and whether its first button is down.
    fn held(&self) -> Result<(i16, i16, bool), Refused> {
        let pointer = self.connection.query_pointer(self.root)?.reply()?;
        Ok((pointer.root_x, pointer.root_y, pointer.mask.contains(KeyButMask::BUTTON1)))
    }

    /// The target under the pointer: the outermost window there that takes drops.
    fn under(&self) -> Result<Option<Target>, Refused> {
        let mut window = self.root;
        for _ in 0..DEEPEST {
            // A window may vanish while it is asked; then there is nothing to drop on.
            let Ok(pointer) = self.connection.query_pointer(window)?.reply() else { return Ok(None) };
            window = pointer.child;
            if window == x11rb::NONE {
                return Ok(None);
            }
            if let Some(target) = self.aware(window)? {
                return Ok(Some(target));
            }
        }
        Ok(None)
    }

    fn aware(&self, window: Window) -> Result<Option<Target>, Refused> {
        let number = |window: Window, name: Atom| -> Result<Option<u32>, Refused> {
            let reply = self.connection.get_property(false, window, name, AtomEnum::ANY, 0, 1)?.reply();
            Ok(reply.ok().and_then(|r| r.value32().and_then(|mut v| v.next())))
        };
        let mail = match number(window, self.atoms.XdndProxy)? {
            // A proxy is one only if it says so itself.
            Some(proxy) if number(proxy, self.atoms.XdndProxy)? == Some(proxy) => proxy,
            _ => window,
        };
        let version = number(mail, self.atoms.XdndAware)?;
        Ok(version.map(|version| Target { window, mail, version: version.min(VERSION) }))
    }

    fn say(&self, target: Target, what: Atom, data: [u32; 5]) -> Result<(), Refused> {
        let event = ClientMessageEvent::new(32, target.window, what, data);
        self.connection.send_event(false, target.mail, EventMask::NO_EVENT, event)?;
        self.connection.flush()?;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Refused> {
        (self.answered, self.accepts) = (true, false);
        let Some(target) = self.target else { return Ok(()) };
        // Two types fit into the message, so no list is needed.
        let data = [self.window, target.version << 24, self.atoms.URI_LIST, self.atoms.PLAIN, 0];
        self.say(target, self.atoms.XdndEnter, data)
    }

    fn position(&mut self, x: i16, y: i16) -> Result<(), Refused> {
        self.last_place = Some((x, y));
        let Some(target) = self.target else { return Ok(()) };
        self.answered = false;
        let place = (u32::from(x.cast_unsigned()) << 16) | u32::from(y.cast_unsigned());
        let data = [self.window, 0, place, x11rb::CURRENT_TIME, self.atoms.XdndActionCopy];
        self.say(target, self.atoms.XdndPosition, data)
    }

    fn leave(&mut self) -> Result<(), Refused> {
        match self.target.take() {
            Some(target) => self.say(target, self.atoms.XdndLeave, [self.window, 0, 0, 0, 0]),
            None => Ok(()),
        }
    }

    /// The button was let go: drop, and wait until the target has what it wants.
    fn drop_here(&mut self) -> Result<Outcome, Refused> {
        let begun = Instant::now();
        let Some(target) = self.target else { return Ok(Outcome::Cancelled) };
        if self.last_place.is_none() {
            let (x, y, _) = self.held()?;
            self.position(x, y)?;
        }
        while !self.answered && begun.elapsed() < PATIENCE {
            self.answer_all()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        if !self.accepts {
            self.leave()?;
            return Ok(Outcome::Cancelled);
        }
        self.say(target, self.atoms.XdndDrop, [self.window, 0, x11rb::CURRENT_TIME, 0, 0])?;
        let begun = Instant::now();
        while !self.finished && begun.elapsed() < PATIENCE {
            self.answer_all()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(if self.finished { Outcome::Dropped } else { Outcome::Cancelled })
    }

    /// Answers everything that has come in.
    fn answer_all(&mut self) -> Result<(), Refused> {
        while let Some(event) = self.connection.poll_for_event()? {
            match event {
                Event::SelectionRequest(request) => self.hand_over(&request)?,
                Event::ClientMessage(message) if message.format == 32 => {
                    let data = message.data.as_data32();
                    if message.type_ == self.atoms.XdndStatus
                        && self.target.is_some_and(|t| t.window == data[0])
                    {
                        (self.answered, self.accepts) = (true, data[1] & 1 != 0);
                        // It may want the next position though the pointer rests.
                    } else if message.type_ == self.atoms.XdndFinished {
                        // Before version 5 whether it was taken is not told.
                        let told = self.target.is_some_and(|t| t.version >= 5);
                        self.finished = !told || data[1] & 1 != 0;
                        self.answered = true;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives the list, or the list of what there is to be given, to who asks for it.
    fn hand_over(&self, request: &SelectionRequestEvent) -> Result<(), Refused> {
        // Clients of old leave the property to us.
        let property = if request.property == x11rb::NONE { request.target } else { request.property };
        let (to, atoms) = (request.requestor, &self.atoms);
        let given = if request.target == atoms.TARGETS {
            let list = [atoms.TARGETS, atoms.URI_LIST, atoms.PLAIN];
            self.connection.change_property32(PropMode::REPLACE, to, property, AtomEnum::ATOM, &list)?;
            true
        } else if request.target == atoms.URI_LIST || request.target == atoms.PLAIN {
            let bytes = self.list.as_bytes();
            self.connection.change_property8(PropMode::REPLACE, to, property, request.target, bytes)?;
            true
        } else {
            false
        };
        let answer = SelectionNotifyEvent {
            response_type: x11rb::protocol::xproto::SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: to,
            selection: request.selection,
            target: request.target,
            property: if given { property } else { x11rb::NONE },
        };
        self.connection.send_event(false, to, EventMask::NO_EVENT, answer)?;
        self.connection.flush()?;
        Ok(())
    }
}
