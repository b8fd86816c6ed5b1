//! The CLAP in clack-host.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, HostGui, HostGuiImpl, PluginGui, Window};
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamInfoBuffer,
    ParamRescanFlags, PluginParams,
};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::events::event_types::{ParamValueEvent, TransportEvent, TransportFlags};
use clack_host::events::spaces::CoreEventSpace;
use clack_host::events::{EventFlags, EventHeader, Match, Pckn};
use clack_host::prelude::*;
use clack_host::utils::{BeatTime, ClapId, SecondsTime};

use crate::Foreign;
use crate::rig::{At, Host, Note};

/// The host's side, which grants every request.
#[derive(Default)]
pub struct Shared {
    called: AtomicBool,
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {
        self.called.store(true, Ordering::Release);
    }
}

impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, _size: GuiSize) -> Result<(), HostError> {
        Ok(())
    }
    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn closed(&self, _was_destroyed: bool) {}
}

/// The host's main thread, which has nothing to do.
pub struct Main;
impl MainThreadHandler<'_> for Main {}
impl HostParamsImplMainThread for Main {
    fn rescan(&self, _flags: ParamRescanFlags) {}
    fn clear(&self, _param: ClapId, _flags: ParamClearFlags) {}
}
impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

/// The host's types.
pub struct Handlers;
impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = Main;
    type AudioProcessor<'a> = ();

    // The framework aborts when a host without the gui extension opens a window.
    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Self::Shared<'_>) {
        builder.register::<HostGui>().register::<HostParams>();
    }
}

/// Id, minimum and maximum of a parameter.
type Knob = (ClapId, f64, f64);

/// A loaded CLAP.
pub struct Clap {
    instance: PluginInstance<Handlers>,
    audio: Option<StartedPluginAudioProcessor<Handlers>>,
    knobs: BTreeMap<String, Knob>,
    pending: EventBuffer,
    steady: u64,
    _entry: PluginEntry,
}

/// The plug-in's id.
pub const ID: &std::ffi::CStr = c"org.backline.backline";

impl Clap {
    /// Loads the CLAP at `path`.
    ///
    /// # Panics
    /// It is not Backline's CLAP.
    #[allow(unsafe_code, reason = "loading a plug-in runs its code")]
    pub fn new(path: &Path) -> Self {
        // SAFETY: the plug-in is Backline's own, whose entry does nothing but fill in tables.
        let entry = unsafe { PluginEntry::load(path) }.unwrap();
        let info = HostInfo::new("Backline tests", "Backline", "https://example.invalid", "0").unwrap();
        let mut instance =
            PluginInstance::<Handlers>::new(|_| Shared::default(), |_| Main, &entry, ID, &info).unwrap();
        let handle = instance.plugin_handle();
        let params: PluginParams = handle.get_extension().unwrap();
        let mut knobs = BTreeMap::new();
        for i in 0..params.count(&handle) {
            let mut buffer = ParamInfoBuffer::new();
            let info = params.get_info(&handle, i, &mut buffer).unwrap();
            let name = String::from_utf8(info.name.to_vec()).unwrap();
            knobs.insert(name, (info.id, info.min_value, info.max_value));
        }
        Self { instance, audio: None, knobs, pending: EventBuffer::new(), steady: 0, _entry: entry }
    }

    /// What a host's main loop owes the plug-in.
    pub fn idle(&mut self) {
        if self.instance.access_shared_handler(|shared| shared.called.swap(false, Ordering::AcqRel)) {
            self.instance.call_on_main_thread_callback();
        }
    }

    /// Opens the window inside another one, which must outlive it.
    ///
    /// # Panics
    /// The plug-in refuses.
    #[allow(unsafe_code, reason = "a foreign window is a raw handle")]
    pub fn open_window(&mut self, parent: Foreign) {
        let handle = self.instance.plugin_handle();
        let gui: PluginGui = handle.get_extension().unwrap();
        let api_type = GuiApiType::default_for_current_platform().unwrap();
        gui.create(&handle, GuiConfiguration { api_type, is_floating: false }).unwrap();
        // SAFETY: the caller keeps the parent open until the window is closed.
        unsafe {
            #[cfg(target_os = "linux")]
            let window = Window::from_x11_handle(parent.into());
            #[cfg(windows)]
            let window = Window::from_win32_hwnd(parent);
            #[cfg(target_os = "macos")]
            let window = Window::from_cocoa_nsview(parent);
            gui.set_parent(&handle, window).unwrap();
        }
        gui.show(&handle).unwrap();
    }

    /// Closes the window.
    ///
    /// # Panics
    /// There is none.
    pub fn close_window(&mut self) {
        let handle = self.instance.plugin_handle();
        let gui: PluginGui = handle.get_extension().unwrap();
        gui.hide(&handle).unwrap();
        gui.destroy(&handle);
    }
}

/// Times single calls of `process`, with everything the host needs made beforehand.
impl Clap {
    /// Plays `input` (two channels) in blocks of `block` samples and gives what each call took.
    /// `at` says where the transport is at a sample; `between` runs after each block.
    ///
    /// # Panics
    /// The plug-in is not active, or refuses a block.
    pub fn time_blocks(
        &mut self,
        input: &[Vec<f32>; 2],
        block: usize,
        at: impl Fn(usize) -> At,
        mut between: impl FnMut(usize),
    ) -> Vec<Duration> {
        let frames = input[0].len() / block * block;
        let mut times = Vec::with_capacity(frames / block);
        let mut ins = vec![vec![0.0f32; block]; 2];
        let mut outs = vec![vec![0.0f32; block]; 2];
        let mut in_ports = AudioPorts::with_capacity(2, 1);
        let mut out_ports = AudioPorts::with_capacity(2, 1);
        let mut events = EventBuffer::with_capacity(4_096);
        let audio = self.audio.as_mut().expect("the plug-in is active");
        for from in (0..frames).step_by(block) {
            for (to, channel) in ins.iter_mut().zip(input) {
                to.copy_from_slice(&channel[from..from + block]);
            }
            let inputs = in_ports.with_input_buffers([AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_input_only(ins.iter_mut().map(InputChannel::variable)),
            }]);
            let mut outputs = out_ports.with_output_buffers([AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_output_only(outs.iter_mut().map(|c| c.as_mut_slice())),
            }]);
            let transport = transport(&at(from));
            events.clear();
            let begun = Instant::now();
            let status = audio.process(
                &inputs,
                &mut outputs,
                &InputEvents::empty(),
                &mut OutputEvents::from_buffer(&mut events),
                Some(self.steady),
                Some(&transport),
            );
            times.push(begun.elapsed());
            status.expect("the block is processed");
            self.steady += block as u64;
            between(from + block);
        }
        times
    }
}

fn transport(at: &At) -> TransportEvent {
    let mut flags =
        TransportFlags::HAS_TEMPO | TransportFlags::HAS_BEATS_TIMELINE | TransportFlags::HAS_TIME_SIGNATURE;
    if at.playing {
        flags |= TransportFlags::IS_PLAYING;
    }
    if at.looping.is_some() {
        flags |= TransportFlags::IS_LOOP_ACTIVE;
    }
    let bar = f64::from(at.metre.0) * 4.0 / f64::from(at.metre.1);
    let number = (at.beat / bar).floor();
    let (start, end) = at.looping.unwrap_or_default();
    TransportEvent {
        header: EventHeader::new_core(0, EventFlags::empty()),
        flags,
        song_pos_beats: BeatTime::from_float(at.beat),
        song_pos_seconds: SecondsTime::from_float(0.0),
        tempo: at.tempo,
        tempo_inc: 0.0,
        loop_start_beats: BeatTime::from_float(start),
        loop_end_beats: BeatTime::from_float(end),
        loop_start_seconds: SecondsTime::from_float(0.0),
        loop_end_seconds: SecondsTime::from_float(0.0),
        bar_start: BeatTime::from_float(number * bar),
        bar_number: number as i32,
        time_signature_numerator: at.metre.0,
        time_signature_denominator: at.metre.1,
    }
}

impl Host for Clap {
    fn activate(&mut self, rate: f64, max_block: usize, offline: bool) {
        let handle = self.instance.plugin_handle();
        let render: PluginRender = handle.get_extension().unwrap();
        render.set(&handle, if offline { RenderMode::Offline } else { RenderMode::Realtime }).unwrap();
        let config = PluginAudioConfiguration {
            sample_rate: rate,
            min_frames_count: 1,
            max_frames_count: max_block as u32,
        };
        let stopped = self.instance.activate(|_, _| (), config).unwrap();
        self.audio = Some(stopped.start_processing().unwrap());
    }

    fn deactivate(&mut self) {
        if let Some(audio) = self.audio.take() {
            self.instance.deactivate(audio.stop_processing());
        }
    }

    fn process(&mut self, input: &[Vec<f32>], output: &mut [Vec<f32>], at: &At) -> Vec<Note> {
        let mut input: Vec<Vec<f32>> = input.to_vec();
        let channels = input.len();
        let mut in_ports = AudioPorts::with_capacity(channels, 1);
        let mut out_ports = AudioPorts::with_capacity(channels, 1);
        let inputs = in_ports.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(input.iter_mut().map(InputChannel::variable)),
        }]);
        let mut outputs = out_ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(output.iter_mut().map(|c| c.as_mut_slice())),
        }]);
        let mut events = EventBuffer::with_capacity(4_096);
        let status = self.audio.as_mut().unwrap().process(
            &inputs,
            &mut outputs,
            &InputEvents::from_buffer(&self.pending),
            &mut OutputEvents::from_buffer(&mut events),
            Some(self.steady),
            Some(&transport(at)),
        );
        status.unwrap();
        self.pending.clear();
        self.steady += output[0].len() as u64;
        let number = |m: Match<u16>| match m {
            Match::Specific(n) => n as u8,
            Match::All => panic!("a note for all voices"),
        };
        events
            .iter()
            .filter_map(|event| {
                let offset = event.header().time();
                match event.as_core_event()? {
                    CoreEventSpace::NoteOn(n) => Some(Note {
                        offset,
                        channel: number(n.channel()),
                        key: number(n.key()),
                        velocity: Some(n.velocity()),
                    }),
                    CoreEventSpace::NoteOff(n) => Some(Note {
                        offset,
                        channel: number(n.channel()),
                        key: number(n.key()),
                        velocity: None,
                    }),
                    // What a hand does in the window.
                    CoreEventSpace::ParamGestureBegin(_)
                    | CoreEventSpace::ParamGestureEnd(_)
                    | CoreEventSpace::ParamValue(_) => None,
                    other => panic!("unexpected event {other:?}"),
                }
            })
            .collect()
    }

    fn set(&mut self, name: &str, normalised: f64) {
        let (id, min, max) = self.knobs[name];
        let value = min + normalised * (max - min);
        self.pending.push(&ParamValueEvent::new(0, id, Pckn::match_all(), value));
    }

    fn get(&mut self, name: &str) -> f64 {
        let (id, min, max) = self.knobs[name];
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().unwrap();
        (params.get_value(&handle, id).unwrap() - min) / (max - min)
    }

    fn latency(&mut self) -> u32 {
        let handle = self.instance.plugin_handle();
        let latency: PluginLatency = handle.get_extension().unwrap();
        latency.get(&handle)
    }

    fn save(&mut self) -> Vec<u8> {
        let handle = self.instance.plugin_handle();
        let state: PluginState = handle.get_extension().unwrap();
        let mut bytes = Vec::new();
        state.save(&handle, &mut bytes).unwrap();
        bytes
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        let handle = self.instance.plugin_handle();
        let state: PluginState = handle.get_extension().unwrap();
        state.load(&handle, &mut Cursor::new(bytes)).is_ok()
    }
}

impl Drop for Clap {
    fn drop(&mut self) {
        self.deactivate();
    }
}
