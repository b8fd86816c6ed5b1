//! A host as the tests see it, and a scripted transport.

use std::collections::BTreeMap;

/// Where the transport is at the first sample of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct At {
    /// Whether it runs.
    pub playing: bool,
    /// Position in quarter notes.
    pub beat: f64,
    /// Quarter notes a minute.
    pub tempo: f64,
    /// Time signature.
    pub metre: (u16, u16),
    /// Loop range in quarter notes.
    pub looping: Option<(f64, f64)>,
}

impl At {
    /// A transport that stands still.
    pub const STOPPED: Self = Self { playing: false, beat: 0.0, tempo: 120.0, metre: (4, 4), looping: None };

    /// A running transport in 4/4.
    pub fn playing(beat: f64, tempo: f64) -> Self {
        Self { playing: true, beat, tempo, ..Self::STOPPED }
    }
}

/// A note event of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Note {
    /// Sample in the block.
    pub offset: u32,
    /// MIDI channel from 0.
    pub channel: u8,
    /// MIDI key.
    pub key: u8,
    /// 0..=1; `None` for a note-off.
    pub velocity: Option<f64>,
}

/// What a host can do.
pub trait Host {
    /// Activates for `rate` Hz and blocks up to `max_block`.
    fn activate(&mut self, rate: f64, max_block: usize, offline: bool);
    /// Stops processing.
    fn deactivate(&mut self);
    /// Processes a block out of place; channels are those of `input`.
    fn process(&mut self, input: &[Vec<f32>], output: &mut [Vec<f32>], at: &At) -> Vec<Note>;
    /// Sets the parameter called `name` to a normalised value, from the next block on.
    fn set(&mut self, name: &str, normalised: f64);
    /// The normalised value of the parameter called `name`.
    fn get(&mut self, name: &str) -> f64;
    /// Reported latency in samples.
    fn latency(&mut self) -> u32;
    /// The state that a project would keep.
    fn save(&mut self) -> Vec<u8>;
    /// Restores a state; whether the plug-in took it.
    fn load(&mut self, state: &[u8]) -> bool;
}

/// Runs a host and watches what comes out of it.
pub struct Run<'a> {
    /// The host.
    pub host: &'a mut dyn Host,
    /// Samples processed.
    pub pos: u64,
    /// (sample, note) of all blocks.
    pub log: Vec<(u64, Note)>,
    /// Notes that sound, (channel, key), and since when.
    pub sounding: BTreeMap<(u8, u8), u64>,
    /// Whether the output has to be the input, bit for bit.
    pub exact: bool,
}

impl<'a> Run<'a> {
    /// A run that starts now.
    pub fn new(host: &'a mut dyn Host) -> Self {
        Self { host, pos: 0, log: Vec::new(), sounding: BTreeMap::new(), exact: true }
    }

    /// One block; asserts what holds for every block. Returns the output.
    pub fn block(&mut self, input: &[Vec<f32>], at: &At) -> Vec<Vec<f32>> {
        let frames = input[0].len();
        let mut output = vec![vec![0.5; frames]; input.len()];
        let notes = self.host.process(input, &mut output, at);
        if self.exact {
            for (channel, (i, o)) in input.iter().zip(&output).enumerate() {
                let same = i.iter().zip(o).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "channel {channel} is not passed through at {}", self.pos);
            }
        }
        let mut last = 0;
        for note in notes {
            assert!((note.offset as usize) < frames, "offset {} of {frames}", note.offset);
            assert!(note.offset >= last, "events out of order");
            last = note.offset;
            let time = self.pos + u64::from(note.offset);
            match note.velocity {
                Some(_) => {
                    assert_eq!(self.sounding.insert((note.channel, note.key), time), None, "struck twice")
                }
                None => assert!(self.sounding.remove(&(note.channel, note.key)).is_some(), "off without on"),
            }
            self.log.push((time, note));
        }
        self.pos += frames as u64;
        output
    }

    /// Plays `audio[from..to]` straight, in blocks whose lengths `block` gives; `beat0` is the beat of
    /// `audio[from]`.
    pub fn straight(
        &mut self,
        audio: &[Vec<f32>],
        span: std::ops::Range<usize>,
        rate: f64,
        beat0: f64,
        tempo: f64,
        mut block: impl FnMut() -> usize,
    ) {
        let from = span.start;
        let mut at = from;
        while at < span.end {
            let frames = block().min(span.end - at);
            let input: Vec<Vec<f32>> = audio.iter().map(|c| c[at..at + frames].to_vec()).collect();
            let beat = beat0 + (at - from) as f64 / rate * tempo / 60.0;
            self.block(&input, &At::playing(beat, tempo));
            at += frames;
        }
    }

    /// A block of silence with the transport stopped; nothing may sound after it.
    pub fn stop(&mut self, channels: usize) {
        self.block(&vec![vec![0.0; 64]; channels], &At::STOPPED);
        assert!(self.sounding.is_empty(), "hanging after stop: {:?}", self.sounding);
    }

    /// Note-ons in order: sample, channel, key.
    pub fn ons(&self) -> Vec<(u64, u8, u8)> {
        let mut ons: Vec<_> = self
            .log
            .iter()
            .filter(|(_, n)| n.velocity.is_some())
            .map(|(t, n)| (*t, n.channel, n.key))
            .collect();
        ons.sort_unstable();
        ons
    }
}

/// Block lengths that look random and are the same each time.
pub fn ragged(max: usize, seed: u64) -> impl FnMut() -> usize {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let r = (state >> 33) as usize;
        // Short blocks as often as long ones.
        if r.is_multiple_of(3) { 1 + (r / 3) % 64.min(max) } else { 1 + (r / 3) % max }
    }
}
