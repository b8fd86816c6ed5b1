//! The analysis as a musician reads it.

use std::io::{self, Write};

use backline_files::Analysis;
use backline_files::analysis::{ChordJson, KeyGuess};
use backline_music::chord;

/// Bars on a line of the chord chart.
const BARS_A_LINE: usize = 4;

/// Writes the summary.
pub fn write(out: &mut impl Write, a: &Analysis) -> io::Result<()> {
    let channels = match a.source.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        n => format!("{n} channels"),
    };
    writeln!(out, "{}: {}, {} Hz, {channels}", a.source.name, clock(a.source.seconds), a.source.sample_rate)?;
    match a.tempo_bpm {
        None => writeln!(out, "Tempo   none found")?,
        Some(bpm) => {
            let others = a.tempo_candidates.iter().filter(|c| (c.bpm - bpm).abs() > 0.02 * bpm).take(2);
            let others: Vec<String> = others.map(|c| format!("{:.1} {}", c.bpm, percent(c.prob))).collect();
            let or = if others.is_empty() { String::new() } else { format!("  (or {})", others.join(", ")) };
            writeln!(out, "Tempo   {bpm:.2} BPM{or}")?;
        }
    }
    if let Some(metre) = &a.metre {
        writeln!(out, "Metre   {} {}", metre.label, percent(metre.prob))?;
    }
    match &a.key {
        None => writeln!(out, "Key     none found")?,
        Some(key) => {
            let or = key
                .runner_up
                .as_ref()
                .map(|KeyGuess { tonic, mode, prob }| format!("  (or {tonic} {mode} {})", percent(*prob)));
            writeln!(
                out,
                "Key     {} {} {}{}",
                key.tonic,
                key.mode,
                percent(key.prob),
                or.unwrap_or_default()
            )?;
        }
    }
    if let Some(first) = a.beats.first() {
        writeln!(out, "Beats   {}, the first at {:.2} s", a.beats.len(), first.time_s)?;
    }
    write_drums(out, a)?;
    if let Some(style) = a.style.top.first() {
        writeln!(
            out,
            "Style   {} {}, energy {}, brightness {}",
            style.id,
            percent(style.prob),
            percent(a.style.energy),
            percent(a.style.valence)
        )?;
    }
    write_loudness(out, a)?;
    write_chords(out, a)?;
    for notice in &a.notices {
        writeln!(out, "Note    {notice}")?;
    }
    Ok(())
}

fn write_drums(out: &mut impl Write, a: &Analysis) -> io::Result<()> {
    let counts: Vec<String> = backline_music::DrumVoice::ALL
        .into_iter()
        .filter_map(|voice| {
            let n = a.drums.iter().filter(|d| d.voice == voice).count();
            (n > 0).then(|| format!("{} {n}", voice.name().to_lowercase()))
        })
        .collect();
    if counts.is_empty() { Ok(()) } else { writeln!(out, "Drums   {}", counts.join(", ")) }
}

fn write_loudness(out: &mut impl Write, a: &Analysis) -> io::Result<()> {
    let mut sounding: Vec<f64> =
        a.loudness.iter().map(|l| l.short_term_lufs).filter(|&l| l > -57.0).collect();
    sounding.sort_by(f64::total_cmp);
    match sounding.get(sounding.len() / 2) {
        Some(median) => writeln!(out, "Level   {median:.1} LUFS (median of 3 s)"),
        None => Ok(()),
    }
}

/// The chord chart, by bars where there are any, else by times.
fn write_chords(out: &mut impl Write, a: &Analysis) -> io::Result<()> {
    let downbeats: Vec<f64> = a.beats.iter().filter(|b| b.beat == 1).map(|b| b.time_s).collect();
    if downbeats.is_empty() {
        for span in a.chords.iter().filter(|c| c.label != "N") {
            writeln!(out, "Chord   {}-{}  {}", clock(span.start_s), clock(span.end_s), symbol(span))?;
        }
        return Ok(());
    }
    let bars: Vec<String> = downbeats
        .iter()
        .enumerate()
        .map(|(i, &start)| {
            let end = downbeats.get(i + 1).copied().unwrap_or(a.source.seconds);
            // A chord counts in a bar when it sounds for a good part of a beat of it.
            let shortest = 0.12 * (end - start).max(0.1);
            let inside = a.chords.iter().filter(|c| c.end_s.min(end) - c.start_s.max(start) > shortest);
            inside.map(symbol).collect::<Vec<_>>().join(" ")
        })
        .collect();
    let width = bars.iter().map(String::len).max().unwrap_or(0).clamp(4, 16);
    for (i, line) in bars.chunks(BARS_A_LINE).enumerate() {
        let cells: Vec<String> = line.iter().map(|bar| format!("{bar:<width$}")).collect();
        let start = downbeats[i * BARS_A_LINE];
        writeln!(out, "{:>7} {:>4} | {} |", clock(start), i * BARS_A_LINE + 1, cells.join(" | "))?;
    }
    Ok(())
}

fn symbol(span: &ChordJson) -> String {
    // Spelt as the label is, which knows the key of its time.
    let root = span.label.split(':').next().and_then(|root| root.parse().ok());
    match (chord::parse_label(&span.label), root) {
        (Ok(Some(chord)), Some(root)) => chord.symbol_on(root),
        _ => "-".to_owned(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Minutes and seconds.
fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round();
    format!("{:.0}:{:04.1}", (tenths / 600.0).floor(), (tenths % 600.0) / 10.0)
}
