//! Dragging on macOS: a dragging session of AppKit's, begun on the main thread with the event that the hand made.
//!
//! Compiled and checked, but never run: there was no Mac to run it on.

use std::path::Path;
use std::sync::mpsc::{Sender, channel};

use dispatch2::{MainThreadBound, run_on_main};
use objc2::rc::Retained;
use objc2::runtime::{NSObject, NSObjectProtocol, ProtocolObject};
use objc2::{AnyThread as _, DefinedClass as _, MainThreadMarker, MainThreadOnly, define_class, msg_send};
use objc2_app_kit::{
    NSApplication, NSDragOperation, NSDraggingContext, NSDraggingItem, NSDraggingSession, NSDraggingSource,
    NSEvent, NSEventType, NSWorkspace,
};
use objc2_foundation::{NSArray, NSPoint, NSRect, NSSize, NSString, NSURL};

use crate::{Outcome, Refused};

/// Points that the picture of a dragged file is wide and high.
const PICTURE: f64 = 32.0;

define_class!(
    // SAFETY: NSObject asks nothing of its subclasses, and this one has no drop of its own.
    #[unsafe(super(NSObject))]
    #[thread_kind = MainThreadOnly]
    #[ivars = Sender<Outcome>]
    struct Hand;

    unsafe impl NSObjectProtocol for Hand {}

    unsafe impl NSDraggingSource for Hand {
        #[unsafe(method(draggingSession:sourceOperationMaskForDraggingContext:))]
        fn allowed(&self, _session: &NSDraggingSession, _context: NSDraggingContext) -> NSDragOperation {
            NSDragOperation::Copy
        }

        #[unsafe(method(draggingSession:endedAtPoint:operation:))]
        fn ended(&self, _session: &NSDraggingSession, _place: NSPoint, operation: NSDragOperation) {
            let taken = operation != NSDragOperation::None;
            // Nobody listens any more when the plug-in is gone.
            let _ = self.ivars().send(if taken { Outcome::Dropped } else { Outcome::Cancelled });
        }
    }
);

/// See [`crate::drag`].
pub fn drag(files: &[&Path]) -> Result<Outcome, Refused> {
    let (sender, ended) = channel();
    // The hand is held until the session has ended, and let go on the main thread.
    let _hand = run_on_main(|main| begin(files, sender, main))?;
    ended.recv().map_err(|_| Refused::System("the drag was lost".to_owned()))
}

/// Begins the session. The main thread goes on then, and follows the mouse in its own loop.
fn begin(
    files: &[&Path],
    ended: Sender<Outcome>,
    main: MainThreadMarker,
) -> Result<MainThreadBound<Retained<Hand>>, Refused> {
    let event = NSApplication::sharedApplication(main).currentEvent();
    let by_mouse = |event: &Retained<NSEvent>| {
        matches!(event.r#type(), NSEventType::LeftMouseDown | NSEventType::LeftMouseDragged)
    };
    // The left button is the first bit.
    let event = event.filter(by_mouse).filter(|_| NSEvent::pressedMouseButtons() & 1 != 0);
    let event = event.ok_or(Refused::NotHeld)?;
    let view = event.window(main).and_then(|window| window.contentView());
    let view = view.ok_or_else(|| Refused::System("the window is gone".to_owned()))?;
    let place = event.locationInWindow();
    let corner = NSPoint::new(place.x - PICTURE / 2.0, place.y - PICTURE / 2.0);
    let frame = NSRect::new(corner, NSSize::new(PICTURE, PICTURE));
    let mut items = Vec::with_capacity(files.len());
    for file in files {
        let url = NSURL::from_file_path(file)
            .ok_or_else(|| Refused::System(format!("{} has no address", file.display())))?;
        let writer = ProtocolObject::from_ref(&*url);
        let item = NSDraggingItem::initWithPasteboardWriter(NSDraggingItem::alloc(), writer);
        let picture =
            NSWorkspace::sharedWorkspace().iconForFile(&NSString::from_str(&file.to_string_lossy()));
        // SAFETY: an image is among what the contents may be.
        unsafe { item.setDraggingFrame_contents(frame, Some(&picture)) };
        items.push(item);
    }
    let hand = Hand::alloc(main).set_ivars(ended);
    // SAFETY: this is how an object of NSObject's is made.
    let hand: Retained<Hand> = unsafe { msg_send![super(hand), init] };
    let items = NSArray::from_retained_slice(&items);
    view.beginDraggingSessionWithItems_event_source(&items, &event, ProtocolObject::from_ref(&*hand));
    Ok(MainThreadBound::new(hand, main))
}
