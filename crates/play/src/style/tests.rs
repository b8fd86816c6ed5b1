use super::*;

#[test]
fn every_file_is_a_style_that_covers_the_intensities() {
    for (id, text) in FILES {
        let style = StyleInfo::from_json(text).unwrap_or_else(|e| panic!("{id}: {e}"));
        assert_eq!(style.id, *id);
        let native = style.metres[0];
        let levels = |energies: Vec<f32>, least: usize, what: &str| {
            assert!(energies.len() >= least, "{id}: {} {what}", energies.len());
            assert!(energies.is_sorted(), "{id}: {what} out of order");
            assert!(energies[0] <= 0.4 && energies[energies.len() - 1] >= 0.7, "{id}: {what} {energies:?}");
        };
        levels(style.grooves.iter().filter(|g| g.metre == native).map(|g| g.energy).collect(), 4, "grooves");
        levels(style.fills.iter().map(|f| f.energy).collect(), 3, "fills");
        levels(style.comping.iter().filter(|c| c.metre == native).map(|c| c.energy).collect(), 3, "comping");
        levels(style.bass.iter().filter(|b| b.metre == native).map(|b| b.energy).collect(), 3, "bass");
    }
}

#[test]
fn there_are_styles_enough_and_none_is_left_out() {
    assert_eq!(styles().len(), FILES.len());
    assert!(styles().len() >= 18);
}

#[test]
fn a_broken_file_says_where() {
    let (_, good) = FILES[0];
    let broken = good.replacen("\"kick\": \"", "\"kick\": \"z", 1);
    let message = StyleInfo::from_json(&broken).unwrap_err().to_string();
    assert!(message.contains("rock") && message.contains("Kick") && message.contains("'z'"), "{message}");
    assert!(StyleInfo::from_json("{").is_err());
    let short = good.replacen("8... .... 8...", "8... .... 8..", 1);
    assert!(StyleInfo::from_json(&short).unwrap_err().to_string().contains("15 steps"));
}
