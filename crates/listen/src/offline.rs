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
/// As sure as the stream listener ever is of a tempo: nothing is left to learn from it when it has also claimed long enough.
const SURE_PROB: f32 = 0.84;
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
    listener.leave_beat();
    let rounds = (rhythm::HEARD_S * sample_rate / mono.len().max(1) as f64).max(3.0) as usize;
    for _ in 0..rounds {
        listener.feed(mono, None);
        while listener.step() {}
    }
    listener.finish();
    while listener.step() {}
    Ok(listener.take_parts(models.rhythm_offline.as_deref()).frames)
}

/// What the stream listener makes of a recording's beat.
struct Stream {
    listener: Listener,
    /// The tempo it was surest of (the one that it ends with is gone when the recording fades), and its candidates then.
    surest: Option<Estimate<f64>>,
    candidates: Vec<(f64, f32)>,
    /// In how many steps it claimed one.
    claimed_steps: u32,
}

impl Stream {
    /// Hears all of `mono`. The beat is followed for as long as there is something to learn from it: until it has been claimed
    /// for long enough and with a probability of `sure`.
    fn hear(
        mono: &[f32],
        sample_rate: f64,
        models: &Models,
        sure: f32,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Self, ListenError> {
        let listener = Listener::for_second_look(sample_rate, models)?;
        let mut stream = Self { listener, surest: None, candidates: Vec::new(), claimed_steps: 0 };
        // There cannot be more sound than the recording, with its last step and window of loudness, is long.
        let most_sound_s = mono.len() as f64 / sample_rate + 1.0;
        for (i, chunk) in mono.chunks(CHUNK).enumerate() {
            stream.listener.feed(chunk, None);
            if (i + 1) * CHUNK >= mono.len() {
                stream.listener.finish();
            }
            while stream.listener.step() {
                stream.note_tempo();
                if stream.has_claimed(most_sound_s) && stream.surest.is_some_and(|s| s.prob >= sure) {
                    stream.listener.leave_beat();
                }
            }
            progress(FIRST_PASS * ((i + 1) * CHUNK) as f32 / (mono.len() as f32 + CHUNK as f32));
        }
        Ok(stream)
    }

    fn note_tempo(&mut self) {
        let heard = self.listener.heard();
        let Some(tempo) = heard.tempo_bpm else { return };
        self.claimed_steps += 1;
        if self.surest.is_none_or(|s| tempo.prob >= s.prob) {
            self.surest = Some(tempo);
            self.candidates.clone_from(&heard.tempo_candidates);
        }
    }

    /// Whether a beat was claimed for enough of `sounding_s`.
    fn has_claimed(&self, sounding_s: f64) -> bool {
        f64::from(self.claimed_steps) / FRAMES_PER_S >= CLAIMED_SHARE * sounding_s
    }
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
    let duration_s = mono.len() as f64 / sample_rate;
    let mut stream = Stream::hear(mono, sample_rate, models, SURE_PROB, progress)?;
    let Parts { frames, said_at_once, rows, mut heard } =
        stream.listener.take_parts(models.rhythm_offline.as_deref());
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
    if let Some(surest) = stream.surest.filter(|_| stream.has_claimed(sounding_s(&heard))) {
        let mut path = rhythm::decode(&frames, &said_at_once, duration_s, surest.prob, &mut |share| {
            progress(FIRST_PASS + (1.0 - FIRST_PASS) * share);
        });
        let chroma = stream.listener.chroma_frames();
        let counted =
            models.bars.as_deref().map(|model| bars::count(model, rows.values(), chroma, &mut path));
        if let Some(Err(error)) = counted {
            heard.notices.push(bars::notice(&error));
        }
        heard.beats = path.beats;
        heard.metre = path.metre;
        heard.tempo_bpm = path.tempo_bpm.map(|value| match path.octaves.first() {
            Some(&(_, prob)) => Estimate { value, prob, runner_up: path.octaves.get(1).copied() },
            None => Estimate { value, ..surest },
        });
        heard.tempo_candidates = if path.octaves.is_empty() { stream.candidates } else { path.octaves };
    }
    (heard.chords, heard.keys, heard.key) =
        harmony::decode_offline(stream.listener.chroma_frames(), &heard.beats, duration_s, models);
    heard.style = style::guess_whole(&heard);
    progress(1.0);
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 44_100.0;

    fn heard(mono: &[f32], sure: f32) -> Stream {
        Stream::hear(mono, RATE, Models::built_in(), sure, &mut |_| ()).unwrap()
    }

    #[test]
    fn the_beat_is_followed_until_nothing_is_left_to_learn_from_it() {
        let song = backline_synth::demo::demo_song().mono();
        let (left, followed) = (heard(&song, SURE_PROB), heard(&song, 2.0));
        // It is left early: that is what it is for.
        assert!(
            2 * left.claimed_steps < followed.claimed_steps,
            "{} {}",
            left.claimed_steps,
            followed.claimed_steps
        );
        let sounding_s = song.len() as f64 / RATE;
        assert!(left.has_claimed(sounding_s) && followed.has_claimed(sounding_s));
        let (left, followed) = (left.surest.unwrap(), followed.surest.unwrap());
        assert!((left.value / followed.value - 1.0).abs() < 0.01 && (left.prob - followed.prob).abs() < 0.01);
    }

    /// So many seconds of hiss.
    fn hiss(seconds: usize, level: f32) -> impl Iterator<Item = f32> {
        let mut seed = 1_u32;
        let next = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            level * (seed as f32 / u32::MAX as f32 - 0.5)
        };
        std::iter::repeat_with(next).take(seconds * RATE as usize)
    }

    #[test]
    fn no_beats_are_found_in_the_hiss_before_the_music_and_after_it() {
        let mut song = backline_synth::demo::demo_song().mono();
        song.truncate((20.0 * RATE) as usize);
        let (from_s, to_s) = (8.0, 28.0);
        for level in [0.003, 0.03] {
            let recording: Vec<f32> =
                hiss(8, level).chain(song.iter().copied()).chain(hiss(20, level)).collect();
            let heard = listen_offline(&recording, RATE, Models::built_in(), &mut |_| ()).unwrap();
            let [first_s, last_s] =
                [heard.beats.first(), heard.beats.last()].map(|beat| beat.unwrap().time_s);
            assert!(
                (from_s - 0.7..from_s + 1.0).contains(&first_s),
                "{level}: the first beat at {first_s} s"
            );
            assert!((to_s - 1.0..to_s + 0.7).contains(&last_s), "{level}: the last beat at {last_s} s");
            let mut stream = Listener::with_models(RATE, Models::built_in()).unwrap();
            stream.feed(&recording, None);
            while stream.step() {}
            let beats = &stream.heard().beats;
            let [first_s, last_s] = [beats.first(), beats.last()].map(|beat| beat.unwrap().time_s);
            // Whoever plays may pause for a bar or two.
            assert!(first_s > from_s, "{level}: live, the first beat at {first_s} s");
            assert!((to_s..to_s + 4.7).contains(&last_s), "{level}: live, the last beat at {last_s} s");
        }
    }

    #[test]
    fn a_beat_that_comes_late_is_waited_for() {
        // Forty seconds of hiss, then a song: what is claimed must not depend on where the recording is clear.
        let mut late: Vec<f32> = hiss(40, 0.05).collect();
        late.extend(&backline_synth::demo::demo_song().mono()[..30 * RATE as usize]);
        let (left, followed) = (heard(&late, SURE_PROB), heard(&late, 2.0));
        let sounding_s = late.len() as f64 / RATE;
        assert!(left.has_claimed(sounding_s) && followed.has_claimed(sounding_s));
        assert!((left.surest.unwrap().value / followed.surest.unwrap().value - 1.0).abs() < 0.01);
    }
}
