//! `backline taste`: what the band has learnt of the musician's taste.

use std::io::{self, Write};
use std::path::Path;

use backline_engine::{Taste, TasteFile, Verdict};

use crate::args::{TasteArgs, TasteVerb};
use crate::{Outcome, inputs};

/// What leans less than this is not worth telling.
const TOLD: f64 = 0.1;
/// Leanings that are told.
const MOST: usize = 8;

/// Shows, exports or resets.
pub fn run(args: &TasteArgs) -> anyhow::Result<Outcome> {
    let file = match &args.file {
        Some(path) => TasteFile::at(path),
        None => TasteFile::own()?,
    };
    match &args.verb {
        TasteVerb::Show => show(&file),
        TasteVerb::Export { to } => export(&file, to),
        TasteVerb::Reset => reset(&file),
    }
}

fn show(file: &TasteFile) -> anyhow::Result<Outcome> {
    let taste = file.read()?;
    let mut out = io::stdout().lock();
    if taste.is_neutral() {
        writeln!(out, "nothing judged yet: the band plays as it is ({})", file.path().display())?;
        out.flush()?;
        return Ok(Outcome::NothingFound);
    }
    let count = |verdict| taste.judgements().iter().filter(|j| j.verdict == verdict).count();
    writeln!(
        out,
        "{} judgements: {} liked, {} kept, {} disliked ({})",
        taste.judgements().len(),
        count(Verdict::Liked),
        count(Verdict::Kept),
        count(Verdict::Disliked),
        file.path().display()
    )?;
    write_leanings(&mut out, &taste)?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn write_leanings(out: &mut impl Write, taste: &Taste) -> io::Result<()> {
    let leans = taste.leans("");
    let told: Vec<_> = leans.iter().filter(|l| l.1.abs() >= TOLD).take(MOST).collect();
    if told.is_empty() {
        return writeln!(out, "no leaning to speak of yet");
    }
    for (figure, weight) in told {
        let word = if *weight > 0.0 { "more" } else { "less" };
        writeln!(out, "  {word} {:<26} {weight:+.2}", figure.name())?;
    }
    Ok(())
}

fn export(file: &TasteFile, to: &Path) -> anyhow::Result<Outcome> {
    inputs::spare([file.path()], [to], "Choose another file")?;
    let taste = file.read()?;
    TasteFile::at(to).write(&taste)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{} judgements written to {}", taste.judgements().len(), to.display())?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn reset(file: &TasteFile) -> anyhow::Result<Outcome> {
    let was_there = file.reset()?;
    let mut out = io::stdout().lock();
    let what = if was_there { "forgotten" } else { "nothing to forget" };
    writeln!(out, "{what}: the band plays as it is ({})", file.path().display())?;
    out.flush()?;
    Ok(Outcome::Done)
}
