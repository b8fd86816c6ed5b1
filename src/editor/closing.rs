//! A window that is gone when it is closed: the framework does not always wait for the window's thread.
//!
//! baseview 0.4.2 ends the thread and then asks it for an answer; if the thread was quicker there is none, and closing
//! returns while the thread still lets go of its graphics. A host that opens the next window, or unloads the plug-in,
//! right then runs into it. So each window's thread leaves a mark that vanishes when the thread ends, and closing
//! waits for that.

use std::cell::RefCell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize};
use nice_plug::editor::{Editor, EditorHandle, HostMethods, ParentWindowHandle, ResizeHint, SpawnedEditor};
use nice_plug_egui::baseview::HandlerError;
use nice_plug_egui::{
    EguiEditorHandle, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier,
    create_egui_editor,
};

use super::App;
use super::zoom::{self, Extent};
use crate::bridge::EditorEnd;
use crate::params::BacklineParams;

/// A thread that takes longer is left to itself: better than a host that hangs.
const PATIENCE: Duration = Duration::from_secs(1);

/// Counts the threads of windows that have not ended yet. Never touched by the audio thread.
#[derive(Clone, Default)]
pub struct Threads(Arc<(Mutex<usize>, Condvar)>);

/// One such thread, until it ends.
struct Mark(Threads);

thread_local! {
    static MARKS: RefCell<Vec<Mark>> = const { RefCell::new(Vec::new()) };
}

impl Threads {
    /// Marks the thread that calls, which is a window's own. On other systems than Linux windows live on the host's
    /// thread, which does not end.
    pub fn mark(&self) {
        if cfg!(target_os = "linux") {
            *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            MARKS.with_borrow_mut(|marks| marks.push(Mark(self.clone())));
        }
    }

    /// Waits until all marked threads have ended.
    fn wait(&self) {
        let (count, ended) = &*self.0;
        let count = count.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.wait_timeout_while(count, PATIENCE, |count| *count > 0);
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let (count, ended) = &*self.0.0;
        *count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ended.notify_all();
    }
}

/// Keeps faults of the app inside. The window's thread, or on other systems the host's, would carry one into the host, where it ends
/// the session: without this a fault while painting costs more than the window.
#[derive(Clone, Default)]
struct Guard(Arc<AtomicBool>);

impl Guard {
    /// Does `act`, unless something failed before since the window was opened.
    fn run(&self, act: impl FnOnce()) {
        // What a fault leaves half done is not looked at again until the window is opened anew.
        if !self.has_failed() && catch_unwind(AssertUnwindSafe(act)).is_err() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn has_failed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A window opens.
    fn begin(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// What the window says after a fault.
const FAULT: &str =
    "The window has stopped because of a fault; the band plays on. Close the window and open it again.";

/// The app, which outlives the framework's editors: each window has one of its own, so that it opens as large as the window before
/// it was.
#[derive(Clone)]
struct Lasting {
    app: Arc<Mutex<App>>,
    guard: Guard,
}

impl Lasting {
    fn app(&self) -> MutexGuard<'_, App> {
        self.app.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NiceEguiApp for Lasting {
    fn build(&mut self, ctx: egui::Context, gui: GuiContext, frame: &mut Frame) -> Result<(), HandlerError> {
        self.guard.begin();
        let mut built = Ok(());
        self.guard.run(|| built = self.app().build(ctx, gui, frame));
        built
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        self.guard.run(|| self.app().ui(ui, frame));
        if self.guard.has_failed() {
            let rect = ui.max_rect();
            ui.painter().rect_filled(rect, 0.0, egui::Color32::BLACK);
            let font = egui::FontId::proportional(14.0);
            let text =
                ui.painter().layout(FAULT.to_owned(), font, egui::Color32::LIGHT_GRAY, rect.width() - 40.0);
            ui.painter().galley(rect.center() - text.size() / 2.0, text, egui::Color32::LIGHT_GRAY);
        }
    }

    fn editor_closed(&mut self) {
        // After a fault as well: what was open is to be let go of.
        let _ = catch_unwind(AssertUnwindSafe(|| self.app().editor_closed()));
    }
}

/// The framework's editor, whose windows are gone when they are closed.
pub struct Window {
    app: Lasting,
    params: Arc<BacklineParams>,
    extent: zoom::Shared,
    news: RepaintNotifier,
    settings: fn() -> EguiNiceSettings,
    threads: Threads,
}

impl Window {
    /// An editor. No window opens here; `news` is rung when there is something new to see.
    pub fn new(
        params: Arc<BacklineParams>,
        end: EditorEnd,
        news: RepaintNotifier,
        settings: fn() -> EguiNiceSettings,
    ) -> Self {
        let threads = Threads::default();
        let app = App::new(Arc::clone(&params), end, threads.clone());
        let extent = app.extent();
        let app = Lasting { app: Arc::new(Mutex::new(app)), guard: Guard::default() };
        Self { app, params, extent, news, settings, threads }
    }

    /// How large the window is, or shall be when it opens.
    fn extent(&self) -> Extent {
        self.extent.with(|extent| {
            // Another project may have been loaded since. If it is being written just now, the window asks once it is open.
            if !extent.open
                && let Ok(state) = self.params.state.try_read()
            {
                extent.choose(state.look.zoom, zoom::screen);
            }
            *extent
        })
    }
}

impl Editor for Window {
    type Handle = Handle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Handle>, Box<dyn Error>> {
        let extent = self.extent();
        // At first unzoomed: the framework would lay out the first frame of any other for a window without end.
        let state = EguiEditorState::from_size(LogicalSize::new(extent.size.x, extent.size.y), 1.0);
        let inner = create_egui_editor(state, self.news.clone(), (self.settings)(), self.app.clone())
            .ok_or("there is no window")?;
        let opened = inner.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)?;
        self.extent.with(|extent| extent.open = true);
        let (threads, extent) = (self.threads.clone(), self.extent.clone());
        let window = Open { window: Some(opened.window), threads, extent };
        Ok(SpawnedEditor { handle: Handle(opened.handle), window })
    }

    fn size(&self) -> NativeSize<u32> {
        let extent = self.extent();
        let size = LogicalSize::new(extent.size.x, extent.size.y);
        NativeSize::from_size(size.into(), f64::from(extent.scale))
    }

    fn resize_hint(&self) -> ResizeHint {
        (self.settings)().resize_hint
    }
}

type Inner = <EguiEditorHandle as EditorHandle>::Window;

/// An open window. Dropping it closes it and waits for its thread.
pub struct Open {
    window: Option<Inner>,
    threads: Threads,
    extent: zoom::Shared,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.window = None;
        self.threads.wait();
        self.extent.with(|extent| extent.open = false);
    }
}

/// The framework's handle of an open window.
pub struct Handle(EguiEditorHandle);

impl Handle {
    /// Does what needs the window, which is there until it is dropped.
    fn with<T>(open: &Open, act: impl FnOnce(&Inner) -> T, gone: T) -> T {
        open.window.as_ref().map_or(gone, act)
    }
}

impl EditorHandle for Handle {
    type Window = Open;
    type Error = <EguiEditorHandle as EditorHandle>::Error;

    fn run_until_closed(mut open: Open) -> Result<(), Self::Error> {
        open.window.take().map_or(Ok(()), EguiEditorHandle::run_until_closed)
    }

    fn set_parent(&self, parent: ParentWindowHandle, open: &Open) -> Result<(), Self::Error> {
        Self::with(open, |window| self.0.set_parent(parent, window), Ok(()))
    }

    fn show(&self, open: &Open) -> Result<(), Self::Error> {
        Self::with(open, |window| self.0.show(window), Ok(()))
    }

    fn hide(&self, open: &Open) -> Result<(), Self::Error> {
        Self::with(open, |window| self.0.hide(window), Ok(()))
    }

    fn set_size(&self, size: NativeSize<u32>, open: &Open) -> Result<(), Self::Error> {
        Self::with(open, |window| self.0.set_size(size, window), Ok(()))
    }

    fn host_main_thread_callback(&self, open: &Open) {
        Self::with(open, |window| self.0.host_main_thread_callback(window), ());
    }

    fn adjust_size(&self, size: NativeSize<u32>, open: &Open) -> Option<NativeSize<u32>> {
        Self::with(open, |window| self.0.adjust_size(size, window), None)
    }

    fn set_fallback_scale_factor(&self, factor: f64, open: &Open) -> Result<(), Self::Error> {
        Self::with(open, |window| self.0.set_fallback_scale_factor(factor, window), Ok(()))
    }

    fn state_changed(&self) {
        self.0.state_changed();
    }

    fn param_value_changed(&self, id: &str, normalized_value: f32) {
        self.0.param_value_changed(id, normalized_value);
    }

    fn param_modulation_changed(&self, id: &str, modulation_offset: f32) {
        self.0.param_modulation_changed(id, modulation_offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_stays_in_the_window_until_it_is_opened_again() {
        let (guard, mut painted) = (Guard::default(), 0);
        guard.run(|| painted += 1);
        guard.run(|| panic!("a fault in a test"));
        assert!(guard.has_failed());
        guard.run(|| painted += 1);
        assert_eq!(painted, 1, "what failed is painted again");
        guard.begin();
        guard.run(|| painted += 1);
        assert!(!guard.has_failed() && painted == 2);
    }
}
