//! Hears a whole recording: the stream listener first, then a second look with hindsight.

use backline_music::{Beat, Estimate, Heard};

use crate::chroma::HOP_S;
use crate::listener::Parts;
use crate::rhythm::{LoopPath, RhythmFrame, bars};
use crate::spectrum::FRAMES_PER_S;
use crate::{ListenError, Listener, Models, harmony, rhythm, style};

/// Samples handed over between two calls of the progress function.
const CHUNK: usize = 65_536;
/// Share of the work that the first pass is.
const FIRST_PASS: f32 = 0.8;

/// Silence that music which starts with the first sample is heard after: without it, it would start out of nothing, neither
/// flux nor net would take that for an onset, and the first beat would be lost. A whole number of the steps of loudness, and of
/// the pairs of frames that the net hears.
const LEAD_S: f64 = 0.2;
/// Music has started if this much, in seconds, …
const START_S: f64 = 0.2;
/// … is at least this loud (amplitude) beside the loudest of the recording; what is softer may be its hiss.
const START_SHARE: f64 = 0.1;

/// Share of the sounding time in which the stream listener must have been sure of a beat.
const CLAIMED_SHARE: f64 = 0.2;
/// As sure as the stream listener ever is of a tempo: nothing is left to learn from it when it has also claimed long enough.
const SURE_PROB: f32 = 0.84;
/// Quieter than this is silence, in LUFS.
const SILENT_LUFS: f32 = -57.0;

/// For how long there was sound.
fn sounding_s(heard: &Heard) -> f64 {
    0.1 * heard.loudness.iter().filter(|l| l.momentary_lufs > SILENT_LUFS).count() as f64
}

/// Fewer onsets than this are a single sound, not a loop.
const LOOP_ONSETS: usize = 4;

/// Least share of a recording in which there are chords, if it is to have a key.
const PITCHED_SHARE: f64 = 0.05;

/// A recording that is as short as a loop, as a loop, if it keeps a beat that goes with its length.
fn looped(mono: &[f32], sample_rate: f64, models: &Models) -> Result<Option<LoopPath>, ListenError> {
    let duration_s = mono.len() as f64 / sample_rate;
    if !(rhythm::SHORTEST_S..=rhythm::LONGEST_S).contains(&duration_s) {
        return Ok(None);
    }
    Ok(rhythm::decode_loop(&repeated_frames(mono, sample_rate, models)?, duration_s))
}

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
    /// Seconds of silence that it heard first.
    lead_s: f64,
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
        let mut listener = Listener::for_second_look(sample_rate, models)?;
        let lead = lead_frames(mono, sample_rate);
        listener.feed(&vec![0.0; lead], None);
        let lead_s = lead as f64 / sample_rate;
        let mut stream = Self { listener, lead_s, surest: None, candidates: Vec::new(), claimed_steps: 0 };
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

/// Samples of silence that `mono` is to be heard after: [`LEAD_S`] or none.
fn lead_frames(mono: &[f32], sample_rate: f64) -> usize {
    let power = |block: &[f32]| {
        let squares = block.iter().filter(|x| x.is_finite()).map(|x| f64::from(*x) * f64::from(*x));
        squares.sum::<f64>() / block.len() as f64
    };
    let mut blocks = mono.chunks(((START_S * sample_rate) as usize).max(1)).map(power);
    let Some(first) = blocks.next() else { return 0 };
    let loudest = blocks.fold(first, f64::max);
    let starts = first > 0.0 && first >= START_SHARE * START_SHARE * loudest;
    if starts { (LEAD_S * sample_rate).round() as usize } else { 0 }
}

/// Takes the lead of `lead_s` seconds off everything that was heard after it.
fn without_lead(heard: &mut Heard, lead_s: f64) {
    let sooner = |time_s: &mut f64| *time_s = (*time_s - lead_s).max(0.0);
    sooner(&mut heard.time_s);
    heard.loudness.retain(|l| l.time_s > lead_s + 1e-6);
    heard.timbre.retain(|t| t.time_s > lead_s + 1e-6);
    heard.melody.retain(|p| p.time_s > lead_s - 1e-6);
    heard.loudness.iter_mut().for_each(|l| sooner(&mut l.time_s));
    heard.timbre.iter_mut().for_each(|t| sooner(&mut t.time_s));
    heard.melody.iter_mut().for_each(|p| sooner(&mut p.time_s));
    heard.onsets.iter_mut().for_each(|o| sooner(&mut o.time_s));
    for beat in &mut heard.beats {
        [&mut beat.time_s, &mut beat.decided_s].into_iter().for_each(sooner);
    }
    for hit in &mut heard.drums {
        [&mut hit.time_s, &mut hit.decided_s].into_iter().for_each(sooner);
    }
    for chord in &mut heard.chords {
        [&mut chord.start_s, &mut chord.end_s, &mut chord.decided_s].into_iter().for_each(sooner);
    }
    for key in &mut heard.keys {
        [&mut key.start_s, &mut key.end_s, &mut key.decided_s].into_iter().for_each(sooner);
    }
    heard.chords.retain(|c| c.end_s > c.start_s);
    if lead_s > 0.0
        && let [silence, first, ..] = &mut heard.chords[..]
        && silence.chord.is_none()
        && silence.end_s < HOP_S
    {
        // What is left of the lead: the music starts at once.
        first.start_s = 0.0;
        heard.chords.remove(0);
    }
    heard.keys.retain(|k| k.end_s > k.start_s);
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
    // All that follows is told in seconds of what was heard, which may have begun with silence of our own.
    let lead_s = stream.lead_s;
    let end_s = lead_s + duration_s;
    let Parts { frames, said_at_once, rows, mut heard } =
        stream.listener.take_parts(models.rhythm_offline.as_deref());
    heard.next_beat = None;
    heard.tempo_bpm = None;
    heard.metre = None;
    heard.beats.clear();
    heard.tempo_candidates.clear();
    // Without a beat that was clear for some of the time, none is claimed with hindsight either: in
    // minutes of noise there are seconds that seem to keep time.
    let surest = stream.surest.filter(|_| stream.has_claimed(sounding_s(&heard)));
    let looped = if heard.onsets.len() >= LOOP_ONSETS { looped(mono, sample_rate, models)? } else { None };
    let path = surest.filter(|_| looped.is_none() || duration_s > rhythm::SURELY_LOOP_S).map(|surest| {
        rhythm::decode(&frames, &said_at_once, end_s, surest.prob, &mut |share| {
            progress(FIRST_PASS + (1.0 - FIRST_PASS) * share);
        })
    });
    let heard_once = path.as_ref().and_then(|path| path.tempo_bpm);
    let goes_round = heard_once.is_none_or(|bpm| rhythm::goes_round(bpm, duration_s));
    if let Some(looped) = looped.filter(|_| goes_round) {
        let later = |beat: Beat| Beat { time_s: beat.time_s + lead_s, decided_s: end_s, ..beat };
        heard.beats = looped.path.beats.into_iter().map(later).collect();
        heard.metre = looped.path.metre;
        let (value, prob) = looped.candidates[0];
        let runner_up = looped.candidates.get(1).copied();
        heard.tempo_bpm = Some(Estimate { value, prob, runner_up });
        heard.tempo_candidates = looped.candidates;
    } else if let (Some(mut path), Some(surest)) = (path, surest) {
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
        harmony::decode_offline(stream.listener.chroma_frames(), &heard.beats, end_s, models);
    let pitched = heard.chords.iter().filter(|c| c.chord.is_some());
    if pitched.map(|c| c.end_s - c.start_s).sum::<f64>() < PITCHED_SHARE * duration_s {
        // Drums alone resemble some key or other.
        heard.keys.clear();
        heard.key = None;
    }
    without_lead(&mut heard, lead_s);
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

    fn offline(mono: &[f32]) -> Heard {
        listen_offline(mono, RATE, Models::built_in(), &mut |_| ()).unwrap()
    }

    #[test]
    fn music_that_starts_with_the_first_sample_keeps_its_first_beat() {
        let mut strokes = 0;
        for name in ["rock_e", "house_fm", "funk_e"] {
            let spec = backline_synth::demo::SPECS.iter().find(|s| s.name == name).unwrap();
            let song = backline_synth::demo::Spec { lead_in_s: 0.0, ..*spec }.render(44_100);
            let heard = offline(&song.mono()[..20 * 44_100]);
            assert!(song.beats[0] < 0.02, "it starts at once");
            let first: Vec<_> = heard.beats.iter().take(2).map(|b| (b.time_s, b.beat)).collect();
            assert!(first[0].0 < 0.07 && (first[1].0 - song.beats[1]).abs() < 0.07, "{name}: {first:?}");
            assert_eq!((first[0].1, first[1].1), (1, 2), "{name}: the first bar is whole");
            strokes += usize::from(heard.drums.iter().any(|hit| hit.time_s < 0.07));
            let (chord, truth) = (&heard.chords[0], song.chords.iter().find_map(|c| c.chord).unwrap());
            assert!(chord.start_s == 0.0 && chord.chord.is_some_and(|c| c.root == truth.root), "{chord:?}");
            assert!(heard.loudness[0].time_s > 0.0 && (heard.time_s - 20.0).abs() < 0.011);
        }
        // Whether a single stroke is told is the net's affair; without the silence not one was.
        assert!(strokes >= 2, "the first stroke of {strokes} songs");
    }

    #[test]
    fn a_song_that_is_nearly_as_long_as_some_bars_is_no_loop() {
        let spec = backline_synth::demo::SPECS.iter().find(|s| s.name == "rock_e").unwrap();
        let song = backline_synth::demo::Spec { tempo_bpm: 120.0, lead_in_s: 0.2, ..*spec }.render(44_100);
        let mono = song.mono();
        for (seconds, from_s) in [(16.2, 0.0), (16.2, 0.2), (8.1, 0.1), (15.8, 0.2)] {
            let from = (from_s * RATE) as usize;
            let heard = offline(&mono[from..from + (seconds * RATE) as usize]);
            let tempo = heard.tempo_bpm.unwrap().value;
            assert!((tempo / 120.0 - 1.0).abs() < 0.005, "{seconds} s from {from_s} s: {tempo} BPM");
            let off = heard.beats.iter().map(|b| ((b.time_s + from_s - 0.2) / 0.5).fract());
            let worst = off.map(|x| x.min(1.0 - x).abs() * 0.5).fold(0.0, f64::max);
            assert!(worst < 0.05, "{seconds} s from {from_s} s: {worst} s off");
        }
        // One that is exactly as long is.
        let from = (0.2 * RATE) as usize;
        let heard = offline(&mono[from..from + 16 * 44_100]);
        assert_eq!(heard.tempo_bpm.unwrap().value, 120.0);
        assert_eq!(heard.beats.len(), 32);
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
