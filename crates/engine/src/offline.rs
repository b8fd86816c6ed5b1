//! Whole recordings: analysis with hindsight or as the plug-in would have known, and a band for them.

use backline_listen::rhythm::usual_tempo;
use backline_listen::{Listener, Models, listen_offline};
use backline_music::{Beat, Controls, Estimate, Heard, Metre, PlannedBar, PlannedNote, TempoMap};
use backline_play::{
    BarContext, BarHarmony, Form, Taste, phrase_bars, phrase_start, plan_by_taste, resolve_style,
    usual_phrase_bars,
};

use crate::EngineError;
use crate::dynamics;
use crate::memory::{HeardBar, add_accent, mean_accents};

/// A bar that begins this long after the last thing that was played still has it.
const STRUCK_S: f64 = 0.05;
/// Share of a tactus into its last bar up to which a recording has only one stroke left: it ends there.
const LAST_STROKE_TACTUS: f64 = 0.5;

/// Tempi of a recording that drifts differ by less than this from each other; what differs more is another tempo.
const SAME_TEMPO: f64 = 0.06;

/// Analyses a recording with hindsight, hearing with `models`. `progress` is told the share done, 0..=1.
///
/// # Errors
/// The sample rate cannot be analysed.
pub fn analyse_offline(
    mono: &[f32],
    sample_rate: f64,
    models: &Models,
    progress: &mut dyn FnMut(f32),
) -> Result<Heard, EngineError> {
    Ok(listen_offline(mono, sample_rate, models, progress)?)
}

/// Analyses a recording as the plug-in would hear it: each item carries the stream time at which it
/// was decided. `progress` is told the share done, 0..=1.
///
/// # Errors
/// The sample rate cannot be analysed.
pub fn analyse_online(
    mono: &[f32],
    sample_rate: f64,
    models: &Models,
    progress: &mut dyn FnMut(f32),
) -> Result<Heard, EngineError> {
    let mut listener = Listener::with_models(sample_rate, models)?;
    let mut fed = 0usize;
    // The beat ends with the music, so what is told of a recording is what was told for most of it.
    let mut tempi: Vec<Told> = Vec::new();
    // How long each metre was told, and how it was told last.
    let mut metres: Vec<(u32, Estimate<Metre>)> = Vec::new();
    for block in mono.chunks(1 << 16) {
        listener.feed(block, None);
        while listener.step() {
            let heard = listener.heard();
            if let Some(tempo) = heard.tempo_bpm {
                Told::add(&mut tempi, tempo, &heard.tempo_candidates);
            }
            if let Some(told) = heard.metre {
                match metres.iter_mut().find(|(_, metre)| metre.value == told.value) {
                    Some((steps, metre)) => (*steps, *metre) = (*steps + 1, told),
                    None => metres.push((1, told)),
                }
            }
        }
        fed += block.len();
        #[allow(clippy::cast_precision_loss)] // a share
        progress(fed as f32 / mono.len() as f32);
    }
    listener.finish();
    while listener.step() {}
    let mut heard = listener.heard().clone();
    let most = tempi.into_iter().max_by(|a, b| a.weight.total_cmp(&b.weight));
    if let Some(Told { surest, mut candidates, .. }) = most {
        let value = whole_tempo(&heard.beats, surest.value);
        // They go with each other, whatever the tempo of the whole is.
        let ratio = candidates.first().map_or(1.0, |(bpm, _)| value / bpm);
        candidates.iter_mut().for_each(|(bpm, _)| *bpm *= ratio);
        let runner_up = surest.runner_up.map(|(bpm, prob)| (bpm * value / surest.value, prob));
        heard.tempo_bpm = Some(Estimate { value, runner_up, ..surest });
        heard.tempo_candidates = candidates;
    } else {
        (heard.tempo_bpm, heard.tempo_candidates) = (None, Vec::new());
    }
    heard.metre = metres.into_iter().max_by_key(|(steps, _)| *steps).map(|(_, metre)| metre);
    Ok(heard)
}

/// A tempo that was told of a stream.
struct Told {
    /// Sum of the probabilities with which it was told.
    weight: f64,
    /// As it was told when it was surest, and what else was considered then.
    surest: Estimate<f64>,
    candidates: Vec<(f64, f32)>,
}

impl Told {
    /// Counts what is told now to the tempo that it is, or to a new one.
    fn add(tempi: &mut Vec<Self>, tempo: Estimate<f64>, candidates: &[(f64, f32)]) {
        let weight = f64::from(tempo.prob);
        let same = |told: &&mut Self| (tempo.value / told.surest.value - 1.0).abs() < SAME_TEMPO;
        match tempi.iter_mut().find(same) {
            Some(told) => {
                told.weight += weight;
                if tempo.prob >= told.surest.prob {
                    told.surest = tempo;
                    candidates.clone_into(&mut told.candidates);
                }
            }
            None => tempi.push(Self { weight, surest: tempo, candidates: candidates.to_vec() }),
        }
    }
}

/// The tempo of a recording, given the beats that were told and its tempo at the instant that was surest: where the
/// tempo drifts, no instant stands for the whole.
fn whole_tempo(beats: &[Beat], surest_bpm: f64) -> f64 {
    usual_tempo(beats).filter(|bpm| (bpm / surest_bpm - 1.0).abs() < SAME_TEMPO).unwrap_or(surest_bpm)
}

/// A band for a recording, on the recording's own beats.
#[derive(Debug, Clone, PartialEq)]
pub struct Accompaniment {
    /// What was heard, with hindsight.
    pub heard: Heard,
    /// The metre of most bars.
    pub metre: Metre,
    /// The bars in order, each in its own metre; beat 0 is the first downbeat that was heard. Empty when
    /// no beat was heard.
    pub bars: Vec<PlannedBar>,
    /// From quarter notes to seconds of the recording, through every heard beat.
    pub tempo_map: TempoMap,
}

impl Accompaniment {
    /// All notes in order of bars.
    pub fn notes(&self) -> impl Iterator<Item = &PlannedNote> {
        self.bars.iter().flat_map(|bar| &bar.notes)
    }
}

/// Plays along with a whole recording: hears it with hindsight, then plans every bar from its first
/// downbeat (or from a pickup of half a bar or more) to the last in which anything is played, or `bars` bars, choosing
/// among takes by `taste`. A last bar that holds nothing but its first stroke is played as an ending. `progress` is told
/// the share done.
///
/// # Errors
/// The sample rate cannot be analysed.
pub fn accompany(
    mono: &[f32],
    sample_rate: f64,
    models: &Models,
    controls: &Controls,
    taste: &Taste,
    bars: Option<usize>,
    progress: &mut dyn FnMut(f32),
) -> Result<Accompaniment, EngineError> {
    let controls = controls.clone().sanitised();
    let heard = listen_offline(mono, sample_rate, models, &mut |share| progress(share * 0.95))?;
    let metre = heard.metre.map_or(Metre::default(), |m| m.value);
    #[allow(clippy::cast_precision_loss)] // samples of a recording
    let duration_s = mono.len() as f64 / sample_rate;
    let last_s = last_struck_s(&heard);
    let (grid, tempo_map) = bar_lines(&heard.beats, metre, last_s + STRUCK_S);
    let heard_bars: Vec<HeardBar> =
        grid.iter().map(|&(start, metre)| read_bar(&heard, start, metre, &tempo_map, duration_s)).collect();
    let history: Vec<BarHarmony> = heard_bars.iter().map(HeardBar::bar_harmony).collect();
    let wanted = heard_bars.len().min(bars.unwrap_or(usize::MAX));
    // One style for the song, whatever the tempo of a bar: instruments do not change within it.
    let tempo_bpm = heard.tempo_bpm.map_or(120.0, |t| t.value) * metre.tactus_quarters();
    let style = resolve_style(&controls.style, &heard.style, tempo_bpm, metre);
    let usual = usual_phrase_bars(&style);
    // Counted back, too, so that a pickup leads into the first phrase.
    let (first, phrase_bars) = (phrase_start(&history), phrase_bars(&history, usual));
    let ends = |bar: &HeardBar| {
        last_s < tempo_map.seconds_at(bar.start_beat + LAST_STROKE_TACTUS * bar.metre.tactus_quarters())
    };
    let mut planned: Vec<PlannedBar> = Vec::with_capacity(wanted);
    let mut take = None;
    for i in 0..wanted {
        let bar = &heard_bars[i];
        let from_s = tempo_map.seconds_at(bar.start_beat);
        let bar_s = tempo_map.seconds_at(bar.start_beat + bar.metre.bar_quarters()) - from_s;
        let tempo_bpm = bar.metre.bar_quarters() * 60.0 / bar_s;
        let key = heard.key_at(from_s);
        let is_end = i + 1 == heard_bars.len() && i > 0 && ends(bar);
        // This bar's accents weigh as much as its neighbours' together: hindsight lets the kick answer
        // the very bar it plays in.
        let around = heard_bars[i.saturating_sub(1)..(i + 2).min(heard_bars.len())].iter().chain([bar]);
        #[allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // bars of a recording
        let bar_in_phrase = (i as i64 - first as i64).rem_euclid(i64::from(phrase_bars)) as u32;
        #[allow(clippy::cast_possible_wrap)] // bars of a recording
        let ctx = BarContext {
            index: i as i64,
            start_beat: bar.start_beat,
            metre: bar.metre,
            tempo_bpm,
            chords: bar.planned_chords(),
            next_chord: heard_bars.get(i + 1).and_then(|next| next.planned_chords().first().copied()),
            key,
            accents: mean_accents(around.filter(|b| b.metre == bar.metre)),
            heard_energy: heard.style.energy,
            heard_valence: heard.style.valence,
            style: style.clone(),
            bar_in_phrase,
            phrase_bars,
            form: if is_end { Form::Ending } else { Form::Groove },
            section_start: is_end,
            lift: dynamics::lift(&heard.loudness, from_s + bar_s, bar_s),
        };
        let models = backline_play::Models::built_in();
        let (bar, chosen) = plan_by_taste(models, taste, &ctx, &controls, planned.last(), take);
        take = Some(chosen);
        planned.push(bar);
    }
    progress(1.0);
    Ok(Accompaniment { heard, metre, bars: planned, tempo_map })
}

/// When the last onset or change of the harmony was while the beat was followed: what starts later, in the hiss that music
/// leaves, is not the music's.
fn last_struck_s(heard: &Heard) -> f64 {
    let Some(last) = heard.beats.last() else { return 0.0 };
    let tactus_s = match heard.beats.as_slice() {
        [.., before, last] => last.time_s - before.time_s,
        _ => 0.0,
    };
    let onsets = heard.onsets.iter().map(|o| o.time_s);
    let changes = heard.chords.iter().filter(|c| c.chord.is_some()).map(|c| c.start_s);
    onsets.chain(changes).filter(|t| *t < last.time_s + tactus_s).fold(0.0, f64::max)
}

/// The bars of a recording (start in quarter notes, metre) from its first to the last that begins by `until_s`, and its
/// tempo map.
///
/// Each heard bar has as many beats as were heard in it: where that differs from the metre the bar gets
/// a metre of its own, so that no beat is lost or doubled.
fn bar_lines(beats: &[Beat], metre: Metre, until_s: f64) -> (Vec<(f64, Metre)>, TempoMap) {
    let tactus = metre.tactus_quarters();
    let heard: Vec<&[Beat]> = beats.chunk_by(|a, b| a.bar == b.bar && a.beat < b.beat).collect();
    let mut bars: Vec<(f64, Metre)> = Vec::new();
    let mut points = Vec::with_capacity(beats.len());
    let mut start = 0.0;
    for (i, bar) in heard.iter().enumerate() {
        #[allow(clippy::cast_precision_loss)] // a bar's beats
        let quarters = bar.len() as f64 * tactus;
        let pickup = i == 0 && bar[0].beat > 1;
        if pickup {
            start = -quarters;
        }
        points.extend((0u32..).zip(*bar).map(|(k, beat)| (start + f64::from(k) * tactus, beat.time_s)));
        let last = i + 1 == heard.len();
        // The last bar may be cut off by the end; a short pickup is left to the soloist.
        if pickup && quarters < metre.bar_quarters() / 2.0 {
            start += quarters;
            continue;
        }
        let own = if last && !pickup { metre } else { metre_of(bar.len(), metre) };
        bars.push((start, own));
        start += own.bar_quarters();
    }
    let tempo_map = TempoMap::new(points);
    if !bars.is_empty() {
        while tempo_map.seconds_at(start) < until_s {
            bars.push((start, metre));
            start += metre.bar_quarters();
        }
        bars.retain(|&(start, _)| tempo_map.seconds_at(start) < until_s);
    }
    (bars, tempo_map)
}

/// The metre of a bar with `beats` felt beats, in the units of `usual`.
fn metre_of(beats: usize, usual: Metre) -> Metre {
    if beats == usize::from(usual.tactus_per_bar()) {
        return usual;
    }
    let units = if usual.is_compound() { 3 } else { 1 };
    u8::try_from(beats * units).ok().and_then(|n| Metre::new(n, usual.denominator)).unwrap_or(usual)
}

/// One bar with its harmony and accents.
fn read_bar(heard: &Heard, start: f64, metre: Metre, tempo_map: &TempoMap, duration_s: f64) -> HeardBar {
    let quarters = metre.bar_quarters();
    let (from_s, to_s) = (tempo_map.seconds_at(start), tempo_map.seconds_at(start + quarters));
    let mut bar = HeardBar::starting(start, metre, quarters * 60.0 / (to_s - from_s), (start, from_s));
    for i in 1..=metre.tactus_per_bar() {
        let beat = start + f64::from(i) * metre.tactus_quarters();
        bar.push_point(beat, tempo_map.seconds_at(beat));
    }
    bar.read_harmony(&heard.chords, duration_s);
    let half_sixteenth_s = (to_s - from_s) / quarters / 8.0;
    let first = heard.onsets.partition_point(|o| o.time_s < from_s - half_sixteenth_s);
    for onset in heard.onsets[first..].iter().take_while(|o| o.time_s < to_s - half_sixteenth_s) {
        let beat = (onset.time_s - from_s) / (to_s - from_s) * quarters;
        add_accent(&mut bar.accents, beat, onset.strength);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(bars: &[u8], pickup: u8) -> Vec<Beat> {
        let mut beats = Vec::new();
        let mut time_s = 0.5;
        let mut push = |bar, beat| {
            beats.push(Beat { time_s, bar, beat, prob: 1.0, decided_s: time_s });
            time_s += 0.5;
        };
        (0..pickup).for_each(|i| push(0, 5 - pickup + i));
        for (bar, &n) in (1..).zip(bars) {
            (1..=n).for_each(|beat| push(bar, beat));
        }
        beats
    }

    #[test]
    fn a_short_bar_keeps_its_beats() {
        let beats = beats(&[4, 3, 4, 4], 1);
        let (bars, tempo) = bar_lines(&beats, Metre::FOUR_FOUR, 8.0);
        let starts: Vec<f64> = bars.iter().map(|b| b.0).collect();
        assert_eq!(starts, [0.0, 4.0, 7.0, 11.0]);
        assert_eq!(bars[1].1, Metre::THREE_FOUR);
        for (i, beat) in beats.iter().enumerate() {
            let position = i as f64 - 1.0;
            assert!((tempo.seconds_at(position) - beat.time_s).abs() < 1e-9);
        }
    }

    #[test]
    fn a_long_pickup_is_a_bar_and_the_end_is_filled() {
        let (bars, _) = bar_lines(&beats(&[4], 3), Metre::FOUR_FOUR, 9.0);
        let starts: Vec<f64> = bars.iter().map(|b| b.0).collect();
        // Beats at 0.5 s … 3.5 s; the bars go on for as long as something is played, to 9 s.
        assert_eq!(starts, [-3.0, 0.0, 4.0, 8.0, 12.0]);
        assert!(bar_lines(&[], Metre::FOUR_FOUR, 9.0).0.is_empty());
    }
}
