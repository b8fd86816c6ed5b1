//! Hears a whole recording: the stream listener first, then a second look with hindsight.

use backline_music::{Estimate, Heard};

use crate::listener::Parts;
use crate::rhythm::{RhythmFrame, bars};
use crate::spectrum::FRAMES_PER_S;
use crate::{ListenError, Listener, Models, harmony, rhythm, style};

/// Samples handed over between two calls of the progress function.
const CHUNK: usize = 65_536;
/// Share of the work that the first pass is.
const FIRST_PASS: f32 = 0.8;

/// Share of the sounding time in which the stream listener must have been sure of a beat.
const CLAIMED_SHARE: f64 = 0.2;
/// Quieter than this is silence, in LUFS.
const SILENT_LUFS: f32 = -60.0;

/// For how long there was sound.
fn sounding_s(heard: &Heard) -> f64 {
    0.1 * heard.loudness.iter().filter(|l| l.momentary_lufs > SILENT_LUFS).count() as f64
}

/// Fewer onsets than this are a single sound, not a loop.
const LOOP_ONSETS: usize = 4;

/// The rhythm frames of a short recording that is played again and again.
fn repeated_frames(mono: &[f32], sample_rate: f64, models: &Models) -> Result<Vec<RhythmFrame>, ListenError> {
    let mut listener = Listener::for_second_look(sample_rate, models)?;
    let rounds = (rhythm::HEARD_S * sample_rate / mono.len().max(1) as f64).max(3.0) as usize;
    for _ in 0..rounds {
        listener.feed(mono, None);
        while listener.step() {}
    }
    listener.finish();
    while listener.step() {}
    Ok(listener.take_parts(models.rhythm_offline.as_deref()).frames)
}

/// Hears a whole recording, with hindsight and with `models`. `progress` is called with 0..=1, never falling.
///
/// # Errors
/// The sample rate is out of range.
pub fn listen_offline(
    mono: &[f32],
    sample_rate: f64,
    models: &Models,
    progress: &mut dyn FnMut(f32),
) -> Result<Heard, ListenError> {
    let mut listener = Listener::for_second_look(sample_rate, models)?;
    // The tempo that the stream ends with is gone when the recording fades: keep the surest.
    let mut surest: Option<Estimate<f64>> = None;
    let mut candidates = Vec::new();
    let mut claimed_steps = 0_u32;
    for (i, chunk) in mono.chunks(CHUNK).enumerate() {
        listener.feed(chunk, None);
        if (i + 1) * CHUNK >= mono.len() {
            listener.finish();
        }
        while listener.step() {
            let heard = listener.heard();
            claimed_steps += u32::from(heard.tempo_bpm.is_some());
            if let Some(tempo) = heard.tempo_bpm
                && surest.is_none_or(|s| tempo.prob >= s.prob)
            {
                surest = Some(tempo);
                candidates.clone_from(&heard.tempo_candidates);
            }
        }
        progress(FIRST_PASS * ((i + 1) * CHUNK) as f32 / (mono.len() as f32 + CHUNK as f32));
    }
    let Parts { frames, said_at_once, rows, mut heard } =
        listener.take_parts(models.rhythm_offline.as_deref());
    let duration_s = mono.len() as f64 / sample_rate;
    heard.next_beat = None;
    heard.tempo_bpm = None;
    heard.metre = None;
    heard.beats.clear();
    heard.tempo_candidates.clear();
    let short = (rhythm::SHORTEST_S..=rhythm::LONGEST_S).contains(&duration_s);
    let looped = if short && heard.onsets.len() >= LOOP_ONSETS {
        let frames = repeated_frames(mono, sample_rate, models)?;
        rhythm::decode_loop(&frames, duration_s)
    } else {
        None
    };
    if let Some(looped) = looped {
        heard.beats = looped.path.beats;
        heard.metre = looped.path.metre;
        let (value, prob) = looped.candidates[0];
        let runner_up = looped.candidates.get(1).copied();
        heard.tempo_bpm = Some(Estimate { value, prob, runner_up });
        heard.tempo_candidates = looped.candidates;
    } else
    // Without a beat that was clear for some of the time, none is claimed with hindsight either: in
    // minutes of noise there are seconds that seem to keep time.
    if let Some(surest) =
        surest.filter(|_| f64::from(claimed_steps) / FRAMES_PER_S >= CLAIMED_SHARE * sounding_s(&heard))
    {
        let mut path = rhythm::decode(&frames, &said_at_once, duration_s, surest.prob, &mut |share| {
            progress(FIRST_PASS + (1.0 - FIRST_PASS) * share);
        });
        let counted = models.bars.as_deref().map(|model| bars::count(model, rows.values(), &mut path));
        if let Some(Err(error)) = counted {
            heard.notices.push(bars::notice(&error));
        }
        heard.beats = path.beats;
        heard.metre = path.metre;
        heard.tempo_bpm = path.tempo_bpm.map(|value| match path.octaves.first() {
            Some(&(_, prob)) => Estimate { value, prob, runner_up: path.octaves.get(1).copied() },
            None => Estimate { value, ..surest },
        });
        heard.tempo_candidates = if path.octaves.is_empty() { candidates } else { path.octaves };
    }
    (heard.chords, heard.keys, heard.key) =
        harmony::decode_offline(listener.chroma_frames(), &heard.beats, duration_s, models);
    heard.style = style::guess_whole(&heard);
    progress(1.0);
    Ok(heard)
}
