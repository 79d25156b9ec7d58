//! A bar plot of what each subject adds to a request.

use crate::load::Protocol;
use crate::results::Row;
use crate::subjects::{BARE, CERTGATE, EXT_AUTHZ};
use svg::Document;
use svg::node::element::{Rectangle, Text};

const WIDTH: f64 = 860.0;
/// Where the bars begin, and the most that they may be long.
const LEFT: f64 = 440.0;
const LENGTH: f64 = 350.0;
const TOP: f64 = 64.0;
const BAR: f64 = 12.0;
/// From one subject to the next.
const STEP: f64 = 36.0;
const INK: &str = "#24292f";

/// Bars of the best deciles, two for each subject. A bar that would make all others short is cut off, and says so.
pub(crate) fn added(rows: &[Row]) -> String {
    let names: Vec<_> = rows.iter().filter(|row| row.protocol == Protocol::Http1 && row.name != BARE).collect();
    let longest = rows.iter().filter(|row| row.name != EXT_AUTHZ).map(|row| row.added.best).fold(1.0, f64::max);
    let height = TOP + STEP * names.len() as f64 + 8.0;
    let mut plot = Document::new()
        .set("viewBox", (0.0, 0.0, WIDTH, height))
        .set("font-family", "system-ui, sans-serif")
        .set("font-size", 12)
        .add(Rectangle::new().set("width", WIDTH).set("height", height).set("fill", "#ffffff"))
        .add(
            text(16.0, 24.0, "Time on a core that a request costs beyond Envoy alone, in microseconds")
                .set("font-size", 15),
        );
    for (place, protocol) in Protocol::ALL.into_iter().enumerate() {
        let x = LEFT + 90.0 * place as f64;
        plot = plot.add(bar(x, 40.0, BAR, colour(protocol, false))).add(text(x + 18.0, 50.5, &protocol.to_string()));
    }
    for (place, subject) in names.iter().enumerate() {
        let y = TOP + STEP * place as f64;
        let bold = if subject.name == CERTGATE { "bold" } else { "normal" };
        let title = text(LEFT - 10.0, y + BAR + 4.0, subject.title).set("text-anchor", "end").set("font-weight", bold);
        plot = plot.add(title);
        for row in rows.iter().filter(|row| row.name == subject.name) {
            let y = y + if row.protocol == Protocol::Http1 { 0.0 } else { BAR + 1.0 };
            let cut = row.added.best > longest;
            let length = LENGTH * (row.added.best.max(0.0) / longest).min(1.0);
            let label = format!("{:.1}{}", row.added.best, if cut { " (bar cut off)" } else { "" });
            // The label of a bar that is cut off is in it.
            let label = match cut {
                true => text(LEFT + length - 6.0, y + 10.0, &label).set("text-anchor", "end").set("fill", "#ffffff"),
                false => text(LEFT + length + 6.0, y + 10.0, &label),
            };
            plot = plot.add(bar(LEFT, y, length, colour(row.protocol, subject.name == CERTGATE))).add(label);
        }
    }
    plot.to_string() + "\n"
}

fn bar(x: f64, y: f64, width: f64, fill: &str) -> Rectangle {
    Rectangle::new().set("x", x).set("y", y).set("width", width).set("height", BAR).set("fill", fill)
}

fn text(x: f64, y: f64, content: &str) -> Text {
    Text::new(content).set("x", x).set("y", y).set("fill", INK)
}

fn colour(protocol: Protocol, own: bool) -> &'static str {
    match (protocol, own) {
        (Protocol::Http1, false) => "#57606a",
        (Protocol::Http2, false) => "#afb8c1",
        (Protocol::Http1, true) => "#0969da",
        (Protocol::Http2, true) => "#80ccff",
    }
}
