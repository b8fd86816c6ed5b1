//! Music for the plug-in to hear, and what it must answer: the plan, computed without a host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use backline::bridge::quantum_samples;
use backline_engine::Session;
use backline_music::{Controls, Metre, Plan, Transport};
use backline_synth::demo;
use backline_testhost::At;

pub struct Song {
    pub rate: f64,
    /// Left and right.
    pub audio: Vec<Vec<f32>>,
    pub tempo: f64,
    /// The beat of the first sample: the song starts with a breath, so this is negative.
    pub beat0: f64,
}

/// The demo song at `rate` Hz.
pub fn demo(rate: u32) -> Arc<Song> {
    static SONGS: Mutex<BTreeMap<u32, Arc<Song>>> = Mutex::new(BTreeMap::new());
    let mut songs = SONGS.lock().unwrap();
    let song = songs.entry(rate).or_insert_with(|| {
        let song = demo::DEMO.render(rate);
        let beat0 = -song.downbeats[0] * song.tempo_bpm / 60.0;
        let audio = vec![song.audio.left, song.audio.right];
        Arc::new(Song { rate: f64::from(rate), audio, tempo: song.tempo_bpm, beat0 })
    });
    Arc::clone(song)
}

impl Song {
    pub fn mono(&self) -> Vec<f32> {
        self.audio[0].iter().zip(&self.audio[1]).map(|(l, r)| 0.5 * (l + r)).collect()
    }

    /// `frames` samples from `from` on; after its end the song begins again.
    pub fn round(&self, from: usize, frames: usize) -> Vec<Vec<f32>> {
        let n = self.audio[0].len();
        self.audio.iter().map(|c| (0..frames).map(|i| c[(from + i) % n]).collect()).collect()
    }

    pub fn beat(&self, sample: f64) -> f64 {
        self.beat0 + sample / self.rate * self.tempo / 60.0
    }

    /// Plans with the sample from which on each holds, for the first `samples` samples.
    pub fn plans(&self, samples: usize, controls: &Controls) -> Vec<(u64, Plan)> {
        let mut session = Session::new(self.rate).unwrap();
        session.set_controls(controls);
        let mono = self.mono();
        let quantum = quantum_samples(self.rate) as usize;
        let mut plans = vec![(0, Plan::empty())];
        for start in (0..samples).step_by(quantum) {
            let end = (start + quantum).min(samples);
            let transport = Transport {
                playing: true,
                pos_beats: self.beat(start as f64),
                tempo_bpm: self.tempo,
                bar_start_beats: (self.beat(start as f64) / 4.0).floor() * 4.0,
                ..Transport::STOPPED
            };
            session.feed(&mono[start..end], &transport);
            if session.plan().revision != plans[plans.len() - 1].1.revision {
                plans.push((end as u64, session.plan().clone()));
            }
        }
        plans
    }

    /// The notes that must come out: exact onset in samples, channel, key.
    pub fn expected(&self, samples: usize, controls: &Controls) -> Vec<(f64, u8, u8)> {
        let plans = self.plans(samples, controls);
        let mut notes = Vec::new();
        for (i, (from, plan)) in plans.iter().enumerate() {
            let to = plans.get(i + 1).map_or(samples as u64, |(next, _)| *next) as f64;
            for note in plan.notes() {
                let exact = (note.onset_beat - self.beat0) * 60.0 / self.tempo * self.rate;
                let sample = (exact + 0.501).floor();
                if sample >= *from as f64 && sample < to {
                    notes.push((exact, note.part.default_channel(), note.key));
                }
            }
        }
        notes.sort_by(|a, b| {
            let at = |x: &(f64, u8, u8)| ((x.0 + 0.501).floor() as u64, x.1, x.2);
            at(a).cmp(&at(b))
        });
        notes.dedup_by_key(|x| ((x.0 + 0.501).floor() as u64, x.1, x.2));
        notes
    }

    /// The notes that must come out when the song's audio runs beside this transport, a block of `frames`
    /// samples each: exact onset in samples, channel, key.
    pub fn expected_along(&self, script: &[At], frames: usize) -> Vec<(f64, u8, u8)> {
        let mut session = Session::new(self.rate).unwrap();
        session.set_controls(&Controls::default());
        let mono = self.mono();
        let quantum = quantum_samples(self.rate) as usize;
        assert!(frames.is_multiple_of(quantum), "plans come at the ends of quanta");
        let mut plan = Plan::empty();
        let mut notes = Vec::new();
        for (i, at) in script.iter().enumerate() {
            for part in 0..frames / quantum {
                let from = i * frames + part * quantum;
                let beats_a_sample = at.tempo / 60.0 / self.rate;
                let beat = at.beat + (part * quantum) as f64 * beats_a_sample;
                for note in plan.notes() {
                    let exact = from as f64 + (note.onset_beat - beat) / beats_a_sample;
                    let sample = (exact + 0.501).floor();
                    if sample >= from as f64 && sample < (from + quantum) as f64 {
                        notes.push((exact, note.part.default_channel(), note.key));
                    }
                }
                let metre = Metre::new(at.metre.0 as u8, at.metre.1 as u8).unwrap();
                let transport = Transport {
                    playing: true,
                    pos_beats: beat,
                    tempo_bpm: at.tempo,
                    metre,
                    bar_start_beats: (beat / metre.bar_quarters()).floor() * metre.bar_quarters(),
                    loop_beats: None,
                };
                session.feed(&mono[from..from + quantum], &transport);
                plan = session.plan().clone();
            }
        }
        notes.sort_by(|a, b| {
            let at = |x: &(f64, u8, u8)| ((x.0 + 0.501).floor() as u64, x.1, x.2);
            at(a).cmp(&at(b))
        });
        notes.dedup_by_key(|x| ((x.0 + 0.501).floor() as u64, x.1, x.2));
        notes
    }
}
