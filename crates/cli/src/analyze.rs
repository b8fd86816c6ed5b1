//! `backline analyze`: what is heard in a recording.

use std::io::{self, Write};
use std::path::Path;

use backline_engine::{analyse_offline, analyse_online};
use backline_files::analysis::{Analysis, Hearing, Source};
use backline_files::{Audio, read_audio};

use crate::args::Analyze;
use crate::progress::Progress;
use crate::{Outcome, inputs, report, tell};

/// Hears the file and says what was heard.
pub fn run(args: &Analyze) -> anyhow::Result<Outcome> {
    let json = args.json.as_deref().filter(|path| path.as_os_str() != "-");
    inputs::spare([args.file.as_path()], json, "Choose another file with --json")?;
    let audio = read_audio(&args.file)?;
    let models = args.hearing.models();
    let (mono, rate) = (audio.mono(), f64::from(audio.sample_rate));
    let bar = Progress::new("Listening");
    let heard = if args.online {
        analyse_online(&mono, rate, &models, &mut |share| bar.show(share))?
    } else {
        analyse_offline(&mono, rate, &models, &mut |share| bar.show(share))?
    };
    drop(bar);

    let hearing = if args.online { Hearing::Online } else { Hearing::Offline };
    let analysis = Analysis::new(source(&args.file, &audio), hearing, &heard, &audio.notices);
    let mut out = io::stdout().lock();
    match &args.json {
        Some(path) if path.as_os_str() == "-" => out.write_all(analysis.to_json().as_bytes())?,
        Some(path) => {
            analysis.write(path)?;
            report::write(&mut out, &analysis)?;
        }
        None => report::write(&mut out, &analysis)?,
    }
    out.flush()?;
    Ok(found(&analysis, &mono))
}

/// The recording as the analysis names it.
pub fn source(path: &Path, audio: &Audio) -> Source {
    Source {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        seconds: audio.seconds(),
        sample_rate: audio.sample_rate,
        channels: audio.channels,
    }
}

/// Whether there was a beat; says so if there was none.
pub fn found(analysis: &Analysis, mono: &[f32]) -> Outcome {
    if !analysis.beats.is_empty() {
        return Outcome::Done;
    }
    // −80 dBFS: below the noise of any recording that means to be heard.
    if mono.iter().all(|s| s.abs() < 1e-4) {
        tell("the recording is silent, so nothing was found. Check that the right track was exported.");
    } else {
        tell(
            "no beat was found, so there is nothing to play along to. Use a longer or more rhythmic part of the recording.",
        );
    }
    Outcome::NothingFound
}
