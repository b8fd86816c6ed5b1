//! What the kind of music is told by: figures of tempo, metre, where the drums and onsets fall, and how they sound.
//!
//! The order of the figures is what `models/training/backline_training/style` learns from; it reads them from here.

use backline_music::{Beat, DrumHit, DrumVoice, Heard};

/// Figures of a stretch of music.
pub const FIGURES: usize = TEMPI.len() + 1 + 3 + VOICES.len() * 4 + 2 + 4 * 4 + 2 * 16 + 4 + 12 + 4 + 11 + 2;
/// Beats in the stretch from which there is something to tell.
const LEAST_BEATS: usize = 8;
/// Bumps along the tempo, in beats a minute.
const TEMPI: [f64; 10] = [50.0, 62.0, 76.0, 90.0, 105.0, 120.0, 135.0, 150.0, 172.0, 205.0];
/// Their width in octaves.
const TEMPO_WIDTH: f64 = 0.13;
/// The voices that the listener tells apart.
const VOICES: [DrumVoice; 5] =
    [DrumVoice::Kick, DrumVoice::Snare, DrumVoice::ClosedHat, DrumVoice::LowTom, DrumVoice::Crash];
/// Places in a beat at which onsets are counted.
const PLACES: usize = 12;
/// A second before this is quieter than any music, in LUFS.
const SILENT_LUFS: f32 = -60.0;

/// The figures of the last `window_s` of `heard`; `None` where there is no beat to tell them by.
pub fn figures(heard: &Heard, window_s: f64) -> Option<Vec<f32>> {
    let from_s = heard.time_s - window_s;
    let beats = &heard.beats[heard.beats.partition_point(|b| b.time_s < from_s)..];
    let drums = &heard.drums[heard.drums.partition_point(|d| d.time_s < from_s)..];
    let onsets = &heard.onsets[heard.onsets.partition_point(|o| o.time_s < from_s)..];
    let bpm = heard.tempo_bpm?.value;
    if beats.len() < LEAST_BEATS || bpm <= 0.0 {
        return None;
    }
    let n = beats.len() as f64 - 1.0;
    let seconds = heard.time_s.clamp(1.0, window_s);
    let per_s = bpm / 60.0;
    let grid = Grid { beats };
    let mut out: Vec<f64> = Vec::with_capacity(FIGURES);

    let octaves = |a: f64, b: f64| libm::log2(a / b);
    out.extend(TEMPI.map(|t| {
        let z = octaves(bpm, t) / TEMPO_WIDTH;
        libm::exp(-0.5 * z * z)
    }));
    out.push(octaves(bpm, 120.0));
    let metre = heard.metre.map(|m| m.value);
    let three = metre.is_some_and(|m| m.tactus_per_bar().is_multiple_of(3));
    let compound = metre.is_some_and(backline_music::Metre::is_compound);
    let four = metre.is_some_and(|m| m.tactus_per_bar() == 4);
    out.extend([three, compound, four].map(|b| f64::from(u8::from(b))));

    let placed: Vec<(&DrumHit, Spot)> =
        drums.iter().filter_map(|d| Some((d, grid.spot(d.time_s)?))).collect();
    for voice in VOICES {
        let own = placed.iter().filter(|(d, _)| d.voice == voice);
        let count = own.clone().count() as f64;
        let mean = own.clone().map(|(d, _)| f64::from(d.velocity)).sum::<f64>() / count.max(1.0);
        let square = own.map(|(d, _)| f64::from(d.velocity).powi(2)).sum::<f64>() / count.max(1.0);
        // Softly bounded, since a shaker's strokes are many.
        out.extend([libm::log1p(count / n), libm::log1p(count / n * per_s), mean]);
        out.push(libm::sqrt((square - mean * mean).max(0.0)));
    }
    let all = placed.len() as f64;
    out.extend([libm::log1p(all / n), f64::from(u8::from(all > 0.3 * n))]);

    // Where in the beat: shares of beats.
    for voice in [DrumVoice::Kick, DrumVoice::Snare, DrumVoice::ClosedHat, DrumVoice::Crash] {
        let mut quarters = [0.0; 4];
        for (_, spot) in placed.iter().filter(|(d, _)| d.voice == voice) {
            quarters[spot.sixteenth % 4] += 1.0 / n;
        }
        out.extend(quarters);
    }
    // Where in a bar of four: shares of bars.
    for voice in [DrumVoice::Kick, DrumVoice::Snare] {
        let mut steps = [0.0; 16];
        for (_, spot) in placed.iter().filter(|(d, _)| d.voice == voice && four) {
            steps[spot.sixteenth % 16] += 4.0 / n;
        }
        out.extend(steps);
    }
    // What does not need to know the one: kicks on beats, and how alike beats are that lie one, two and four apart.
    let on_beat = |voice: DrumVoice| -> Vec<f64> {
        let mut struck = vec![0.0; beats.len()];
        for (_, spot) in placed.iter().filter(|(d, s)| d.voice == voice && s.sixteenth.is_multiple_of(4)) {
            struck[spot.beat] = 1.0;
        }
        struck
    };
    let (kicks, snares) = (on_beat(DrumVoice::Kick), on_beat(DrumVoice::Snare));
    let alike = |struck: &[f64], lag: usize| {
        let pairs = struck.len().saturating_sub(lag).max(1) as f64;
        struck.iter().zip(&struck[lag.min(struck.len())..]).map(|(a, b)| a * b).sum::<f64>() / pairs
    };
    out.extend([alike(&kicks, 1), alike(&snares, 1), alike(&snares, 2), alike(&snares, 4)]);

    let mut places = [0.0; PLACES];
    let strength: f64 = onsets.iter().map(|o| f64::from(o.strength)).sum::<f64>().max(1e-6);
    for onset in onsets {
        if let Some(at) = grid.fraction(onset.time_s) {
            places[(at * PLACES as f64 + 0.5) as usize % PLACES] += f64::from(onset.strength) / strength;
        }
    }
    out.extend(places);
    let mean_strength = strength / onsets.len().max(1) as f64;
    let spread = onsets.iter().map(|o| (f64::from(o.strength) - mean_strength).powi(2)).sum::<f64>();
    out.extend([
        libm::log1p(onsets.len() as f64 / n),
        libm::log1p(onsets.len() as f64 / seconds),
        mean_strength,
    ]);
    out.push(libm::sqrt(spread / onsets.len().max(1) as f64));

    let timbre = &heard.timbre[heard.timbre.partition_point(|t| t.time_s < from_s)..];
    let timbre: Vec<_> = timbre.iter().filter(|t| t.centroid_hz > 0.0).collect();
    let over = |of: &dyn Fn(&backline_music::heard::Timbre) -> f64| -> (f64, f64) {
        let count = timbre.len().max(1) as f64;
        let mean = timbre.iter().map(|t| of(t)).sum::<f64>() / count;
        let square = timbre.iter().map(|t| of(t).powi(2)).sum::<f64>() / count;
        (mean, libm::sqrt((square - mean * mean).max(0.0)))
    };
    let (centroid, wander) = over(&|t| libm::log2(f64::from(t.centroid_hz).max(20.0) / 2_000.0));
    let (rolloff, _) = over(&|t| libm::log2(f64::from(t.rolloff_hz).max(20.0) / 4_000.0));
    out.extend([centroid, wander, rolloff]);
    // The first coefficient is loudness.
    out.extend((1..9).map(|c| over(&|t| f64::from(t.mfcc[c])).0 / 20.0));

    let loudness = &heard.loudness[heard.loudness.partition_point(|l| l.time_s < from_s)..];
    let mut levels: Vec<f64> = loudness
        .iter()
        .filter(|l| l.momentary_lufs > SILENT_LUFS)
        .map(|l| f64::from(l.momentary_lufs))
        .collect();
    levels.sort_by(f64::total_cmp);
    let quantile = |q: f64| levels.get((q * levels.len() as f64) as usize).copied().unwrap_or(-70.0);
    out.extend([quantile(0.95) - quantile(0.5), quantile(0.5) - quantile(0.1)].map(|d| d / 10.0));
    debug_assert_eq!(out.len(), FIGURES);
    Some(out.into_iter().map(|x| x as f32).collect())
}

/// The beats of the stretch.
struct Grid<'a> {
    beats: &'a [Beat],
}

/// The sixteenth that is nearest.
struct Spot {
    /// Index of its beat.
    beat: usize,
    /// Counted from the one of its bar.
    sixteenth: usize,
}

impl Grid<'_> {
    /// The beat before a time, and how far beyond it lies, as a share of the beat.
    fn between(&self, time_s: f64) -> Option<(usize, f64)> {
        let after = self.beats.partition_point(|b| b.time_s <= time_s);
        let (a, b) = (self.beats.get(after.wrapping_sub(1))?, self.beats.get(after)?);
        Some((after - 1, (time_s - a.time_s) / (b.time_s - a.time_s).max(1e-3)))
    }

    fn fraction(&self, time_s: f64) -> Option<f64> {
        self.between(time_s).map(|(_, at)| at)
    }

    fn spot(&self, time_s: f64) -> Option<Spot> {
        let (index, at) = self.between(time_s)?;
        let sixteenth = (at * 4.0 + 0.5) as usize;
        let beat = index + sixteenth / 4;
        let number = usize::from(self.beats.get(beat)?.beat.max(1)) - 1;
        Some(Spot { beat, sixteenth: number * 4 + sixteenth % 4 })
    }
}
