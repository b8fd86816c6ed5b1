//! Hears chords and keys in chroma instead of audio: `chords_of_chroma online|offline MODELS < frames`.
//!
//! Standard input holds 32-bit floats, 24 a frame (bass and treble, each from C), one frame every 2,048 samples at
//! 44,100 Hz. MODELS is a folder of nets, `rules` for none, or `built-in`. The answer is JSON: `chords` (start, end, label,
//! probability), `keys` and `key`. Online, `chords` is what was said of each frame six frames later and never what was
//! revised after that; `now` what was said at each moment of that moment; `revised` what stood in the end. `models/training` scores songs of data sets by it.

use std::io::Read;
use std::path::Path;

use backline_listen::Models;
use backline_listen::chroma::{ChromaFrame, HOP_S, LATENCY_S};
use backline_listen::harmony::{Harmony, decode_offline};
use backline_music::{ChordSpan, Estimate, Key, KeySpan, chord};
use serde_json::{Value, json};

/// Frames after which an answer counts: with half a window, 0.464 s after what it speaks of.
const SAID_AFTER: usize = 6;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mode, models] = words.as_slice() else { return Err("say online or offline, and MODELS".into()) };
    let models = match models.as_str() {
        "rules" => Models::none(),
        "built-in" => Models::built_in().clone(),
        folder => Models::from_folder(Path::new(folder)),
    };
    models.notices.iter().for_each(|n| eprintln!("{n}"));
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let frames: Vec<ChromaFrame> = values.as_chunks::<24>().0.iter().enumerate().map(frame).collect();
    let answer = if mode == "offline" {
        let (chords, keys, key) = decode_offline(&frames, &[], frames.len() as f64 * HOP_S, &models);
        json!({ "chords": spans(&chords), "keys": key_spans(&keys), "key": key_json(key.as_ref()) })
    } else {
        let mut harmony = Harmony::new(&models);
        let mut said: Vec<Value> = Vec::new();
        let mut now: Vec<Value> = Vec::new();
        let mut keys: Vec<Value> = Vec::new();
        for (i, frame) in frames.iter().enumerate() {
            harmony.push_frame(*frame, frame.time_s + LATENCY_S);
            // What is shown at this moment for this moment.
            let present_s = frame.time_s + LATENCY_S;
            if let Some(last) = harmony.chords().last() {
                let (from_s, to_s) = (present_s - 0.5 * HOP_S, present_s + 0.5 * HOP_S);
                now.push(json!([from_s, to_s, chord::label(last.chord), last.prob]));
            }
            if i >= SAID_AFTER {
                let at_s = (i - SAID_AFTER) as f64 * HOP_S;
                let spans = harmony.chords();
                let then = spans.iter().rev().find(|s| s.start_s <= at_s);
                let (label, prob) = then.map_or(("N".to_owned(), 0.0), |s| (chord::label(s.chord), s.prob));
                said.push(json!([at_s - 0.5 * HOP_S, at_s + 0.5 * HOP_S, label, prob]));
            }
            if i % 22 == 0 {
                keys.push(json!([frame.time_s, key_json(harmony.key().as_ref())]));
            }
        }
        json!({ "chords": said, "now": now, "revised": spans(harmony.chords()), "keys": key_spans(harmony.keys()),
                "key_over_time": keys, "key": key_json(harmony.key().as_ref()) })
    };
    println!("{answer}");
    Ok(())
}

/// The frame of the product's own order, from A, and as loud as music.
fn frame((index, from_c): (usize, &[f32; 24])) -> ChromaFrame {
    let chroma = core::array::from_fn(|i| from_c[i / 12 * 12 + (i % 12 + 9) % 12]);
    ChromaFrame { time_s: index as f64 * HOP_S, chroma, energy: 0.1 }
}

fn spans(chords: &[ChordSpan]) -> Vec<Value> {
    chords.iter().map(|s| json!([s.start_s, s.end_s, chord::label(s.chord), s.prob])).collect()
}

fn key_spans(keys: &[KeySpan]) -> Vec<Value> {
    keys.iter().map(|s| json!([s.start_s, s.end_s, s.key.to_string(), s.prob])).collect()
}

fn key_json(key: Option<&Estimate<Key>>) -> Value {
    key.map_or(Value::Null, |k| json!([k.value.to_string(), k.prob]))
}
