//! The rates over time as a drawing (SVG): one line for what was accepted, one for what was applied, and below them
//! the memory of the server where it is known.

use std::fmt::{self, Write};

use super::phase::Phase;
use super::timeline::Point;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const GAP: f64 = 50.0;
const RATES: f64 = 300.0;
const MEMORY: f64 = 120.0;
/// Rates are taken over this many seconds: a transaction applies what came in one or two.
const WINDOW: f64 = 2.0;

const MIB: f64 = 1024.0 * 1024.0;

/// A place for lines: from `top` down, `most` at its upper edge.
struct Panel {
    top: f64,
    height: f64,
    most: f64,
    seconds: f64,
}

impl Panel {
    fn x(&self, seconds: f64) -> f64 {
        LEFT + seconds / self.seconds * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - value / self.most)
    }

    fn frame(&self, out: &mut String, title: &str) -> fmt::Result {
        let (right, bottom) = (WIDTH - RIGHT, self.top + self.height);
        writeln!(out, r#"<text x="{LEFT}" y="{:.1}">{title}</text>"#, self.top - 8.0)?;
        for quarter in 0..=4 {
            let value = self.most * f64::from(quarter) / 4.0;
            let y = self.y(value);
            writeln!(out, r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#ddd"/>"##)?;
            let x = LEFT - 6.0;
            writeln!(out, r#"<text x="{x}" y="{:.1}" text-anchor="end">{value:.0}</text>"#, y + 4.0)?;
        }
        for quarter in 0..=4 {
            let seconds = self.seconds * f64::from(quarter) / 4.0;
            let (x, y) = (self.x(seconds), bottom + 16.0);
            writeln!(out, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle">{seconds:.0} s</text>"#)?;
        }
        Ok(())
    }

    fn line(&self, out: &mut String, colour: &str, points: &[(f64, f64)]) -> fmt::Result {
        write!(out, r#"<polyline fill="none" stroke="{colour}" stroke-width="1.5" points=""#)?;
        for (seconds, value) in points {
            write!(out, "{:.1},{:.1} ", self.x(*seconds), self.y(*value))?;
        }
        writeln!(out, r#""/>"#)
    }
}

/// The drawing.
///
/// # Errors
/// None that a `String` knows.
pub fn svg(phases: &[Phase]) -> Result<String, fmt::Error> {
    let points: Vec<_> = phases.iter().flat_map(|phase| phase.timeline.iter().cloned()).collect();
    let accepted = rates(&points, |point| point.accepted);
    let applied = rates(&points, |point| point.applied);
    let memory: Vec<_> =
        points.iter().filter_map(|point| Some((point.seconds, point.rss_bytes? as f64 / MIB))).collect();
    let seconds = points.last().map_or(1.0, |point| point.seconds.max(1.0));
    let panel = |top, height, lines: &[&[(f64, f64)]]| {
        let most = lines.iter().flat_map(|line| line.iter()).map(|(_, value)| *value).fold(1.0, f64::max);
        Panel { top, height, most: round_up(most), seconds }
    };
    let rates = panel(TOP, RATES, &[&accepted, &applied]);
    let has_memory = !memory.is_empty();
    let height = TOP + RATES + GAP + if has_memory { MEMORY + GAP } else { 0.0 };
    let mut out = String::new();
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(out, r##"<rect width="{WIDTH}" height="{height}" fill="#fff"/>"##)?;
    rates.frame(&mut out, "contacts a second: accepted (blue), applied (orange)")?;
    for (index, phase) in phases.iter().enumerate() {
        let Some(first) = phase.timeline.first() else { continue };
        // One below the other: the name of a short phase would reach into the next.
        let (x, y) = (rates.x(first.seconds), TOP + 14.0 * (1 + index % 4) as f64);
        writeln!(out, r##"<path d="M{x:.1} {TOP}V{:.1}" stroke="#999"/>"##, TOP + RATES)?;
        writeln!(out, r#"<text x="{:.1}" y="{y}">{}</text>"#, x + 4.0, phase.name)?;
    }
    rates.line(&mut out, "#1f77b4", &accepted)?;
    rates.line(&mut out, "#ff7f0e", &applied)?;
    if has_memory {
        let panel = panel(TOP + RATES + GAP, MEMORY, &[&memory]);
        panel.frame(&mut out, "MiB resident")?;
        panel.line(&mut out, "#2ca02c", &memory)?;
    }
    out.push_str("</svg>\n");
    Ok(out)
}

/// The rate at each point, over the window that ends there.
fn rates(points: &[Point], count: impl Fn(&Point) -> u64) -> Vec<(f64, f64)> {
    let mut rates = Vec::with_capacity(points.len());
    let mut from = 0;
    for (index, point) in points.iter().enumerate() {
        while from + 1 < index && point.seconds - points[from + 1].seconds >= WINDOW {
            from += 1;
        }
        let before = &points[from];
        let seconds = point.seconds - before.seconds;
        let done = count(point).saturating_sub(count(before)) as f64;
        rates.push((point.seconds, if seconds > 0.05 { done / seconds } else { 0.0 }));
    }
    rates
}

/// The next of 1, 2, 4, 8 times a power of ten: four parts of it are readable numbers.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 8.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|step| *step >= value)
        .unwrap_or(value)
}
