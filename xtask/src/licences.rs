//! The licences of everything that the product is linked from, in one text: most ask that they go with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::run::command;
use crate::test::allowed;

/// The packages that are shipped.
const SHIPPED: [&str; 2] = ["backline", "backline-cli"];

/// Names and licences of all libraries on `triple`, then each licence's text once, with who is under it.
///
/// # Errors
/// Cargo does not know the libraries, a licence is not on the list, or a file cannot be read.
pub fn texts(triple: &str) -> Result<String> {
    let mut cargo = command("cargo");
    let output = cargo
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", triple])
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo tells no dependencies")?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<String, Value> =
        list(&metadata["packages"]).into_iter().map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<String, Value> =
        list(&metadata["resolve"]["nodes"]).into_iter().map(|node| (text(&node["id"]), node)).collect();

    // What is linked: neither for building nor for tests alone.
    let mut open: Vec<String> = packages
        .iter()
        .filter(|(_, package)| SHIPPED.contains(&text(&package["name"]).as_str()))
        .map(|(id, _)| id.clone())
        .collect();
    let mut linked = BTreeSet::new();
    while let Some(id) = open.pop() {
        for dep in nodes.get(&id).map(|node| list(&node["deps"])).unwrap_or_default() {
            let is_linked = list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            if is_linked && linked.insert(text(&dep["pkg"])) {
                open.push(text(&dep["pkg"]));
            }
        }
    }

    let refused = refused(linked.iter().filter_map(|id| packages.get(id)));
    ensure!(
        refused.is_empty(),
        "these libraries of {triple} have licences that are not on the list in xtask/src/test.rs: {refused:?}"
    );

    let mut named = BTreeSet::new();
    let mut under: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in linked.iter().filter_map(|id| packages.get(id)) {
        // Our own stand beside this file.
        if package["source"].is_null() {
            continue;
        }
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        let licence = package["license"].as_str().unwrap_or("see its text below");
        let home = package["repository"].as_str().map(|home| format!(", {home}")).unwrap_or_default();
        named.insert(format!("{name}: {licence}{home}"));
        let manifest = text(&package["manifest_path"]);
        let root = Path::new(&manifest).parent().context("a manifest lies in a folder")?;
        for folder in [root.to_owned(), root.join("fonts")] {
            for file in fs::read_dir(folder).into_iter().flatten() {
                let path = file?.path();
                if path.is_file() && is_licence(&path) {
                    let bytes =
                        fs::read(&path).with_context(|| format!("{} is unreadable", path.display()))?;
                    let words = String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim().to_owned();
                    under.entry(words).or_default().insert(name.clone());
                }
            }
        }
    }
    let mut all = String::from("Backline is linked from these libraries, each under its licence.\n\n");
    for line in named {
        writeln!(all, "{line}")?;
    }
    // In the order of who comes first, so that the same libraries give the same text.
    let mut under: Vec<_> = under.into_iter().map(|(words, who)| (who, words)).collect();
    under.sort();
    for (who, words) in under {
        let who = who.into_iter().collect::<Vec<_>>().join(", ");
        write!(all, "\n{}\n{who}\n\n{words}\n", "=".repeat(100))?;
    }
    Ok(all)
}

/// The names of the packages that may not be shipped, by their licences.
fn refused<'a>(packages: impl Iterator<Item = &'a Value>) -> Vec<&'a str> {
    let licence = |package: &'a Value| package["license"].as_str().unwrap_or_default();
    packages
        .filter(|package| !allowed(licence(package)))
        .filter_map(|package| package["name"].as_str())
        .collect()
}

/// Whether a file is a licence by its name; beside fonts every text is one.
fn is_licence(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if path.parent().is_some_and(|folder| folder.ends_with("fonts")) {
        return name.ends_with(".txt");
    }
    let begins = ["license", "licence", "copying", "copyright", "notice", "unlicense"];
    let code = [".rs", ".py", ".html", ".toml"];
    begins.iter().any(|b| name.starts_with(b)) && !code.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn what_another_system_alone_needs_is_refused_by_its_licence() {
        let packages = serde_json::json!([
            { "name": "free", "license": "MIT OR Apache-2.0" },
            { "name": "bound", "license": "GPL-3.0-only" },
            { "name": "silent", "license": null },
        ]);
        assert_eq!(refused(packages.as_array().unwrap().iter()), ["bound", "silent"]);
    }
}
