//! The plug-in: Backline as VST3 and CLAP.
//!
//! Thin by intent. [`process`] runs on the host's audio thread, [`worker`] on a thread of its own,
//! [`editor`] on the window's; [`bridge::bridge`] makes the ends that join them. What is heard and
//! what is played is decided in `backline_engine`.
#![forbid(unsafe_code)]

pub mod audition;
pub mod bridge;
pub mod capture;
pub mod clips;
pub mod clock;
pub mod demo;
pub mod editor;
pub mod intake;
pub mod link;
pub mod pace;
pub mod params;
pub mod presets;
pub mod process;
pub mod scheduler;
pub mod snapshot;
pub mod state;
#[cfg(test)]
mod test_bars;
pub mod worker;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nice_plug::midi::{Channel, Key, VoiceID};
use nice_plug::prelude::*;
use nice_plug_egui::RepaintNotifier;

use backline_engine::TasteFile;

use crate::bridge::EditorEnd;
use crate::pace::Pace;
use crate::params::BacklineParams;
use crate::process::Processor;
use crate::scheduler::NoteEvent as Note;
use crate::worker::{Core, Worker};

/// The plug-in, as the framework sees it.
pub struct Backline {
    params: Arc<BacklineParams>,
    processor: Processor,
    worker: Work,
    editor_end: Option<EditorEnd>,
    /// Rung by the worker when there is something new to see.
    news: RepaintNotifier,
}

/// Where the worker's state is.
enum Work {
    /// No thread runs.
    Resting(Box<Core>),
    /// A thread runs.
    Running(Worker),
    /// The thread did not come back.
    Lost,
}

impl Default for Backline {
    fn default() -> Self {
        let (audio, worker, editor) = bridge::bridge();
        let params = Arc::new(BacklineParams::default());
        let mut core = Core::new(worker, Arc::clone(&params.state));
        // Where no folder is known the band plays all the same, and learns nothing.
        if let Ok(file) = TasteFile::own() {
            core.learn_in(file);
        }
        let news = RepaintNotifier::new();
        let (bell, meters) = (news.clone(), Arc::clone(&editor.meters));
        core.on_news(Box::new(move || {
            if !meters.window_moves.load(Ordering::Relaxed) {
                bell.request_repaint();
            }
        }));
        Self {
            params,
            processor: Processor::new(audio),
            worker: Work::Resting(Box::new(core)),
            editor_end: Some(editor),
            news,
        }
    }
}

impl Backline {
    /// Ends the worker's thread.
    fn rest(&mut self) {
        self.worker = match std::mem::replace(&mut self.worker, Work::Lost) {
            Work::Running(worker) => worker.finish().map_or(Work::Lost, |core| Work::Resting(Box::new(core))),
            other => other,
        };
    }
}

impl Drop for Backline {
    fn drop(&mut self) {
        self.rest();
    }
}

impl Plugin for Backline {
    const NAME: &'static str = "Backline";
    const VENDOR: &'static str = "Backline";
    const URL: &'static str = "https://example.invalid/backline";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[
        AudioIOLayout {
            main_input_channels: NonZeroU32::new(2),
            main_output_channels: NonZeroU32::new(2),
            ..AudioIOLayout::const_default()
        },
        AudioIOLayout {
            main_input_channels: NonZeroU32::new(1),
            main_output_channels: NonZeroU32::new(1),
            ..AudioIOLayout::const_default()
        },
    ];

    const MIDI_INPUT: MidiConfig = MidiConfig::None;
    const MIDI_OUTPUT: MidiConfig = MidiConfig::MidiCCs;

    type Editor = editor::Window;
    type SysExMessage = ();
    // Unused: the framework's worker is shared by all instances; ours has a thread of its own.
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        Arc::clone(&self.params) as Arc<dyn Params>
    }

    fn editor(&mut self, _async_executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        editor::create(Arc::clone(&self.params), self.editor_end.take()?, self.news.clone())
    }

    fn filter_state(state: &mut PluginState) {
        state::filter(state);
    }

    fn activate(
        &mut self,
        _audio_io_layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        context.set_latency_samples(0);
        self.rest();
        let sample_rate = f64::from(buffer_config.sample_rate);
        // In VST3 the framework tells the mode of the set-up before. That is believed where nothing has been played
        // since then, as in a host that sets up twice; elsewhere the pace will show, see `pace`.
        let sure = context.plugin_api() != PluginApi::Vst3;
        let told = buffer_config.process_mode == ProcessMode::Offline;
        let rendering = told && (sure || !self.processor.has_run());
        let pace = Pace::new(rendering, sure);
        let mut core = match std::mem::replace(&mut self.worker, Work::Lost) {
            Work::Resting(core) => core,
            // Without a worker the audio passes; better than to refuse the track.
            lost => {
                self.worker = lost;
                self.processor.begin(0, sample_rate, None, pace);
                return true;
            }
        };
        // A bounce must not depend on what was heard before it.
        let stream_pos = core.open(sample_rate, rendering);
        let mut waker = None;
        self.worker = match Worker::start(*core) {
            Ok(worker) => {
                waker = Some(worker.waker());
                Work::Running(worker)
            }
            Err(core) => Work::Resting(core),
        };
        self.processor.begin(stream_pos, sample_rate, waker, pace);
        true
    }

    fn reset(&mut self) {
        self.processor.reset();
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        // The transport borrows the context, which the notes need as well: copy what is a copy.
        let transport = copy(context.transport());
        let params = &self.params;
        self.processor.process(buffer.as_slice(), &transport, params, |note| {
            use nice_plug::context::process::SendEventError;
            // Without an output there is nobody to owe a note-off.
            !matches!(context.try_send_event(to_event(note)), Err((_, SendEventError::HostBufferFull)))
        });
        // Notes go on in silence.
        ProcessStatus::KeepAlive
    }

    fn stop_processing(&mut self) {
        self.processor.reset();
    }

    fn deactivate(&mut self) {
        self.processor.rest();
        self.rest();
    }
}

fn to_event(note: &Note) -> NoteEvent<()> {
    let (timing, channel, key) = (note.offset, Channel::Number(note.channel), Key::Number(note.key));
    let voice_id = VoiceID::Wildcard;
    match note.velocity {
        Some(velocity) => {
            NoteEvent::NoteOn { timing, voice_id, channel, key, velocity: f32::from(velocity) / 127.0 }
        }
        None => NoteEvent::NoteOff { timing, voice_id, channel, key, velocity: 0.0 },
    }
}

fn copy(transport: &Transport) -> Transport {
    Transport {
        playing: transport.playing,
        recording: transport.recording,
        preroll_active: transport.preroll_active,
        sample_rate: transport.sample_rate,
        tempo: transport.tempo,
        time_sig_numerator: transport.time_sig_numerator,
        time_sig_denominator: transport.time_sig_denominator,
        pos_samples: transport.pos_samples,
        pos_seconds: transport.pos_seconds,
        pos_beats: transport.pos_beats,
        bar_start_pos_beats: transport.bar_start_pos_beats,
        bar_number: transport.bar_number,
        loop_range_samples: transport.loop_range_samples,
        loop_range_seconds: transport.loop_range_seconds,
        loop_range_beats: transport.loop_range_beats,
    }
}

impl ClapPlugin for Backline {
    const CLAP_ID: &'static str = "org.backline.backline";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("Hears a track and plays drums, chords and bass along with it, in MIDI");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[
        ClapFeature::AudioEffect,
        ClapFeature::NoteDetector,
        ClapFeature::Analyzer,
        ClapFeature::Stereo,
        ClapFeature::Mono,
    ];
}

impl Vst3Plugin for Backline {
    const VST3_CLASS_ID: [u8; 16] = *b"BacklineTheBand1";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = &[Vst3SubCategory::Fx, Vst3SubCategory::Analyzer];
}

nice_export_clap!(Backline);
nice_export_vst3!(Backline);
