//! The window: what is heard, what comes next, and the knobs. One snapshot a frame, no locks.

mod view;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nice_plug::context::gui::GuiContext;
use nice_plug_egui::baseview::HandlerError;
use nice_plug_egui::{
    EguiEditor, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier, create_egui_editor,
};

use crate::bridge::EditorEnd;
use crate::params::BacklineParams;

/// The window's size in points.
const SIZE: (f32, f32) = (560.0, 520.0);
/// Time between frames while something moves.
const FRAME: Duration = Duration::from_millis(33);
/// Time between looks for news while nothing moves.
const REST: Duration = Duration::from_millis(250);

/// The framework's editor for our window.
pub type Window = EguiEditor<App>;

/// Makes the editor. No window opens here.
pub fn create(params: Arc<BacklineParams>, end: EditorEnd) -> Option<Window> {
    let size = nice_plug::editor::dpi::LogicalSize::new(SIZE.0, SIZE.1);
    create_egui_editor(
        EguiEditorState::from_size(size, 1.0),
        RepaintNotifier::new(),
        EguiNiceSettings::new().with_tile("Backline"),
        App { params, end, context: None, peak: 0.0 },
    )
}

/// What the window holds between frames.
pub struct App {
    params: Arc<BacklineParams>,
    end: EditorEnd,
    context: Option<GuiContext>,
    peak: f32,
}

impl NiceEguiApp for App {
    fn build(
        &mut self,
        _ctx: egui::Context,
        gui: GuiContext,
        _frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        // As little as possible: the host waits, and parameter changes meanwhile find the window busy.
        self.context = Some(gui);
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        let Some(context) = &self.context else { return };
        self.end.snapshot.update();
        let peak = self.end.meters.input_peak.swap(0.0, Ordering::Relaxed);
        // Falls by about 20 dB a second.
        self.peak = peak.max(self.peak * 0.92);
        let status = view::Status::read(&self.end.meters, self.peak);
        let snapshot = self.end.snapshot.output_buffer();
        view::paint(ui, &self.params, &context.param_setter(), snapshot, &status);
        let moving = status.playing || status.sounding > 0 || self.peak > 1.0e-3;
        ui.ctx().request_repaint_after(if moving { FRAME } else { REST });
    }

    fn editor_closed(&mut self) {
        self.context = None;
    }
}
