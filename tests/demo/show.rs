//! Scenes as text: one at a time, and all in a table.

use crate::scenes::Scene;

/// The scene with this index as it was played.
pub(crate) fn scene(index: usize, scene: &Scene) -> String {
    let lines: String = scene.lines.iter().map(|line| format!("   {line}\n")).collect();
    format!("{}. {}\n{lines}   Why: {}\n", index.saturating_add(1), scene.title, scene.why)
}

/// The outcomes of all scenes.
pub(crate) fn table(scenes: &[Scene]) -> String {
    let cells = scenes.iter().map(|scene| {
        let ok = if scene.is_as_expected() { "yes" } else { "NO" };
        [scene.title, scene.expected, scene.found.as_str(), ok]
    });
    let rows: Vec<_> = std::iter::once(["request", "expected", "found", "ok"]).chain(cells).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths = [0, 1, 2, 3].map(|column| width(column).unwrap_or_default());
    let line = |row: &[&str; 4]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let rule = widths.map(|width| "-".repeat(width));
    let rule = line(&rule.each_ref().map(String::as_str));
    let mut lines = rows.iter().map(line);
    let head = lines.next().unwrap_or_default();
    format!("{head}{rule}{}", lines.collect::<String>())
}
