//! The VST3 in vst3-host.

use std::path::Path;

use vst3_host::audio::AudioBuffers;
use vst3_host::midi::PluginEventData;
use vst3_host::plugin::{Plugin, ProcessMode, TransportPosition};
use vst3_host::{SpeakerArrangement, Vst3Host, WindowHandle};

use crate::Foreign;
use crate::rig::{At, Host, Note};

/// A loaded VST3.
pub struct Vst3 {
    plugin: Plugin,
    rate: f64,
    pos: i64,
    _host: Vst3Host,
}

impl Vst3 {
    /// Loads the VST3 bundle at `path`.
    ///
    /// # Panics
    /// It is not Backline's bundle.
    pub fn new(path: &Path) -> Self {
        let mut host = Vst3Host::builder().sample_rate(48_000.0).block_size(8_192).build().unwrap();
        let plugin = host.load_plugin(path).unwrap();
        Self { plugin, rate: 48_000.0, pos: 0, _host: host }
    }

    /// Switches to mono in and out; before activation.
    ///
    /// # Panics
    /// The plug-in refuses.
    pub fn mono(&mut self) {
        self.plugin.set_bus_arrangements(&[SpeakerArrangement::MONO], &[SpeakerArrangement::MONO]).unwrap();
    }

    /// Goes on for renders, or for playing live, as most hosts do: with a single set-up.
    ///
    /// # Panics
    /// The plug-in refuses.
    pub fn set_up_once(&mut self, offline: bool) {
        self.deactivate();
        let mode = if offline { ProcessMode::Offline } else { ProcessMode::Realtime };
        self.plugin.set_process_mode(mode).unwrap();
        self.plugin.start_processing().unwrap();
    }

    /// What a host's main loop owes the plug-in.
    pub fn idle(&mut self) {
        self.plugin.service_run_loop();
    }

    /// Opens the window inside another one, which must outlive it.
    ///
    /// # Panics
    /// The plug-in refuses.
    #[allow(unsafe_code, reason = "a foreign window is a raw handle")]
    pub fn open_window(&mut self, parent: Foreign) {
        #[cfg(target_os = "linux")]
        let parent = WindowHandle::from_x11(parent);
        // SAFETY: the caller keeps the parent open until the window is closed.
        #[cfg(not(target_os = "linux"))]
        let parent = unsafe { WindowHandle::from_raw(parent) };
        self.plugin.open_editor(parent).unwrap();
    }

    /// Closes the window.
    ///
    /// # Panics
    /// There is none.
    pub fn close_window(&mut self) {
        self.plugin.close_editor().unwrap();
    }

    fn id(&self, name: &str) -> u32 {
        self.plugin.find_parameter(name).unwrap().id
    }
}

impl Host for Vst3 {
    fn activate(&mut self, rate: f64, max_block: usize, offline: bool) {
        let mode = if offline { ProcessMode::Offline } else { ProcessMode::Realtime };
        self.plugin.set_process_mode(mode).unwrap();
        // The framework takes note of the mode one set-up late: set up twice.
        self.plugin.reconfigure(rate, max_block + 1).unwrap();
        self.plugin.reconfigure(rate, max_block).unwrap();
        self.plugin.start_processing().unwrap();
        self.rate = rate;
    }

    fn deactivate(&mut self) {
        if self.plugin.is_processing() {
            self.plugin.stop_processing().unwrap();
        }
    }

    fn process(&mut self, input: &[Vec<f32>], output: &mut [Vec<f32>], at: &At) -> Vec<Note> {
        let frames = input[0].len();
        self.plugin.set_tempo(at.tempo).unwrap();
        self.plugin.set_time_signature(i32::from(at.metre.0), i32::from(at.metre.1)).unwrap();
        self.plugin.set_playing(at.playing).unwrap();
        self.plugin
            .set_transport_position(TransportPosition { samples: self.pos, quarter_notes: at.beat })
            .unwrap();
        let mut buffers = AudioBuffers {
            inputs: input.to_vec(),
            outputs: output.to_vec(),
            sample_rate: self.rate,
            block_size: frames,
        };
        self.plugin.process_audio(&mut buffers).unwrap();
        self.pos += frames as i64;
        for (to, from) in output.iter_mut().zip(&buffers.outputs) {
            to.copy_from_slice(from);
        }
        let mut notes = Vec::new();
        for event in self.plugin.take_output_events() {
            let offset = event.sample_offset as u32;
            match event.data {
                PluginEventData::NoteOn { channel, pitch, velocity, .. } => notes.push(Note {
                    offset,
                    channel: channel as u8,
                    key: pitch as u8,
                    velocity: Some(f64::from(velocity)),
                }),
                PluginEventData::NoteOff { channel, pitch, .. } => {
                    notes.push(Note { offset, channel: channel as u8, key: pitch as u8, velocity: None });
                }
                other => panic!("unexpected event {other:?}"),
            }
        }
        notes
    }

    fn set(&mut self, name: &str, normalised: f64) {
        let id = self.id(name);
        self.plugin.set_parameter(id, normalised).unwrap();
    }

    fn get(&mut self, name: &str) -> f64 {
        let id = self.id(name);
        self.plugin.get_parameter(id).unwrap()
    }

    fn latency(&mut self) -> u32 {
        self.plugin.latency_samples()
    }

    fn save(&mut self) -> Vec<u8> {
        self.plugin.save_state().unwrap()
    }

    fn load(&mut self, state: &[u8]) -> bool {
        self.plugin.load_state(state).is_ok()
    }
}
