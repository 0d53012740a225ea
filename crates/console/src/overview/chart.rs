//! Charts as numbers and paths: what a template draws as SVG. Pure.

use domain::clock::Timestamp;
use web::translate::t;

/// The size of the drawing, in its own units.
pub const SIZE: (f64, f64) = (640.0, 180.0);

/// What is left free around the plot for labels: left, top, right, bottom.
const MARGIN: (f64, f64, f64, f64) = (52.0, 10.0, 8.0, 24.0);

/// Labels of time along a chart at most.
const MAX_TIMES: usize = 6;

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Unique in its page.
    pub id: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// The same in words, for those who cannot see it.
    pub summary: String,
    /// Lines across, each with its value.
    pub grid: Vec<Label>,
    /// Times along the bottom.
    pub times: Vec<TimeLabel>,
    /// What is drawn over that.
    pub shapes: Vec<Shape>,
    /// What is told of each stretch of time in the table beside it, and its values.
    pub rows: Vec<(String, Vec<String>)>,
    /// What the values are called.
    pub columns: Vec<&'static str>,
    /// Whether nothing was ever above zero.
    pub is_flat: bool,
}

/// A text beside the plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Where, along its axis.
    pub at: String,
    /// What.
    pub text: String,
}

/// A text below the plot.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeLabel {
    /// Where, along its axis.
    pub at: String,
    /// The time of the day or the date, in UTC.
    pub text: String,
    /// The whole time, to the minute, in UTC.
    pub begins: String,
}

/// A path of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What it shows.
    pub name: &'static str,
    /// Its class in the style sheet.
    pub class: &'static str,
    /// Its `d`.
    pub path: String,
}

/// Values over stretches of time of one width.
#[derive(Clone, Debug)]
pub struct Series {
    /// What they are called.
    pub name: &'static str,
    /// The classes of the line and of the area below it.
    pub classes: (&'static str, &'static str),
    /// One per stretch.
    pub values: Vec<f64>,
}

/// Stretches of time.
#[derive(Clone, Debug)]
pub struct Times {
    /// Where each begins.
    pub begins: Vec<Timestamp>,
    /// Whether their labels are dates: else they are times of the day.
    pub dates: bool,
}

impl Chart {
    /// Lines with areas below them, all from zero. `unit` stands behind the values in the summary.
    pub fn lines(
        id: &'static str,
        title: &'static str,
        unit: &str,
        times: &Times,
        series: &[Series],
    ) -> Self {
        let top = series.iter().flat_map(|series| &series.values).copied().fold(0.0, f64::max);
        let step = step(top);
        let ceiling = (top / step).ceil().max(1.0) * step;
        let mut shapes = Vec::new();
        for series in series {
            let points = points(&series.values, ceiling);
            let line = line(&points);
            let (first, last) = (points.first(), points.last());
            if let (Some((first, _)), Some((last, _))) = (first, last) {
                let floor = place(y_of(0.0, ceiling));
                let area = format!("{line} L{} {floor} L{} {floor} Z", place(*last), place(*first));
                shapes.push(Shape { name: series.name, class: series.classes.1, path: area });
            }
            shapes.push(Shape { name: series.name, class: series.classes.0, path: line });
        }
        let lines = (0..=(ceiling / step).round() as u32).map(|line| f64::from(line) * step);
        let grid = lines.map(|value| Label { at: place(y_of(value, ceiling)), text: short(value) });
        let rows = times.begins.iter().enumerate().map(|(index, begins)| {
            let values = series.iter().map(|series| told(series.values[index]));
            (times.full(*begins), values.collect())
        });
        Self {
            id,
            title,
            summary: summary(unit, times, series),
            grid: grid.collect(),
            times: times.labels(x_of),
            shapes,
            rows: rows.collect(),
            columns: series.iter().map(|series| series.name).collect(),
            is_flat: top <= 0.0,
        }
    }
}

impl Chart {
    /// Bars from zero: those of one stretch stand side by side.
    pub fn bars(id: &'static str, title: &'static str, unit: &str, times: &Times, series: &[Series]) -> Self {
        let chart = Self::lines(id, title, unit, times, series);
        let top = series.iter().flat_map(|series| &series.values).copied().fold(0.0, f64::max);
        let ceiling = (top / step(top)).ceil().max(1.0) * step(top);
        let shapes = series.iter().enumerate().map(|(place, series)| Shape {
            name: series.name,
            class: series.classes.1,
            path: bars(&series.values, ceiling, (place, times.begins.len())),
        });
        // A bar's label stands under its middle.
        let slot = slot(times.begins.len());
        let middle = slot * 0.4 * series.len() as f64 / 2.0;
        let labels = times.labels(|index, _| MARGIN.0 + slot * (index as f64) + middle);
        Self { shapes: shapes.collect(), times: labels, ..chart }
    }
}

/// The width that a stretch has.
fn slot(stretches: usize) -> f64 {
    (SIZE.0 - MARGIN.0 - MARGIN.2) / (stretches.max(1) as f64)
}

/// The bars of a series, which is the one with that number of the chart; `place` has also how many stretches there are.
fn bars(values: &[f64], ceiling: f64, (series, stretches): (usize, usize)) -> String {
    let slot = slot(stretches);
    // Two series share a slot; a gap of a fifth keeps stretches apart.
    let width = slot * 0.4;
    let mut path = String::new();
    for (index, value) in values.iter().enumerate().filter(|(_, value)| **value > 0.0) {
        let left = MARGIN.0 + slot * (index as f64) + width * (series as f64);
        let (floor, top) = (place(y_of(0.0, ceiling)), place(y_of(*value, ceiling)));
        path.push_str(&format!("M{} {floor}V{top}h{width:.1}V{floor}Z", place(left)));
    }
    path
}

impl Times {
    /// `place` says where a stretch is, of how many.
    fn labels(&self, place_of: impl Fn(usize, usize) -> f64) -> Vec<TimeLabel> {
        let count = self.begins.len();
        let every = count.div_ceil(MAX_TIMES).max(1);
        let label = |index: usize| {
            let begins = self.begins[index];
            let text = begins.to_string();
            let text = if self.dates { text.get(5..10) } else { text.get(11..16) };
            let text = text.unwrap_or_default().to_owned();
            TimeLabel { at: place(place_of(index, count)), text, begins: self.full(begins) }
        };
        (0..count).step_by(every).map(label).collect()
    }

    fn full(&self, begins: Timestamp) -> String {
        begins.to_string().get(..16).unwrap_or_default().to_owned()
    }
}

fn x_of(index: usize, count: usize) -> f64 {
    let width = SIZE.0 - MARGIN.0 - MARGIN.2;
    // Numbers of stretches are small.
    MARGIN.0 + width * (index as f64) / (count.saturating_sub(1).max(1) as f64)
}

fn y_of(value: f64, ceiling: f64) -> f64 {
    let height = SIZE.1 - MARGIN.1 - MARGIN.3;
    MARGIN.1 + height * (1.0 - value / ceiling)
}

fn points(values: &[f64], ceiling: f64) -> Vec<(f64, f64)> {
    let count = values.len();
    values.iter().enumerate().map(|(index, value)| (x_of(index, count), y_of(*value, ceiling))).collect()
}

fn line(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        if index > 0 {
            path.push(' ');
        }
        path.push(if index == 0 { 'M' } else { 'L' });
        path.push_str(&format!("{} {}", place(*x), place(*y)));
    }
    path
}

/// A place in the drawing: to a tenth is fine enough.
fn place(place: f64) -> String {
    format!("{place:.1}")
}

/// The distance of grid lines: 1, 2 or 5 times a power of ten, so that there are two to five of them.
fn step(top: f64) -> f64 {
    if top <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf((top / 2.0).log10().floor());
    let times = top / 2.0 / power;
    power
        * if times >= 5.0 {
            5.0
        } else if times >= 2.0 {
            2.0
        } else {
            1.0
        }
}

/// A value beside a grid line.
fn short(value: f64) -> String {
    match value {
        value if value >= 1_000_000.0 => format!("{}M", told(value / 1_000_000.0)),
        value if value >= 1_000.0 => format!("{}k", told(value / 1_000.0)),
        value => told(value),
    }
}

/// A value in words: whole where it is large, else to two decimals at most, and to four where it is very small.
fn told(value: f64) -> String {
    if value >= 100.0 || value.fract() == 0.0 {
        return grouped(value.round());
    }
    let decimals = if value < 0.1 { 4 } else { 2 };
    format!("{value:.decimals$}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn grouped(value: f64) -> String {
    // What is charted was counted: it is never below zero, and far below 2^53.
    crate::page::number(value as u64)
}

fn summary(unit: &str, times: &Times, series: &[Series]) -> String {
    let mut said = Vec::new();
    for series in series {
        let most = series.values.iter().enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other));
        let (Some((at, most)), Some(last)) = (most, series.values.last()) else { continue };
        let unit = if unit.is_empty() { String::new() } else { t(unit).to_string() };
        let text = t("{name}: at most {most}{unit}, at {at} UTC; {last}{unit} at the end.")
            .with("name", t(series.name))
            .with("most", told(*most))
            .with("unit", unit)
            .with("at", times.full(times.begins[at]))
            .with("last", told(*last));
        said.push(text.to_string());
    }
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(count: i64) -> Times {
        let begins = (0..count).map(|minute| Timestamp::from_millis(1_791_993_600_000 + minute * 60_000));
        Times { begins: begins.collect(), dates: false }
    }

    fn chart(values: &[f64]) -> Chart {
        let series = Series { name: "Contacts", classes: ("line", "area"), values: values.to_vec() };
        Chart::lines("applied", "Contacts", " per second", &times(values.len() as i64), &[series])
    }

    #[test]
    fn a_line_goes_from_edge_to_edge_and_from_the_floor_to_the_ceiling() {
        let chart = chart(&[0.0, 100.0, 50.0]);
        assert_eq!(chart.shapes[1].path, "M52.0 156.0 L342.0 10.0 L632.0 83.0");
        assert_eq!(chart.shapes[0].path, "M52.0 156.0 L342.0 10.0 L632.0 83.0 L632.0 156.0 L52.0 156.0 Z");
        let grid: Vec<_> = chart.grid.iter().map(|label| (label.at.as_str(), label.text.as_str())).collect();
        assert_eq!(grid, [("156.0", "0"), ("83.0", "50"), ("10.0", "100")]);
        assert!(!chart.is_flat);
    }

    #[test]
    fn it_is_told_in_words_and_in_a_table() {
        let chart = chart(&[0.25, 12_345.0, 3.0]);
        assert_eq!(
            chart.summary,
            "Contacts: at most 12,345 per second, at 2026-10-14 16:01 UTC; 3 per second at the end."
        );
        assert_eq!(chart.rows[0], ("2026-10-14 16:00".to_owned(), vec!["0.25".to_owned()]));
        assert_eq!(chart.grid.last().map(|label| label.text.as_str()), Some("15k"));
    }

    #[test]
    fn grid_lines_are_round_and_few() {
        for top in [0.0, 0.3, 1.0, 7.0, 49.0, 51.0, 99.0, 1_234.0, 87_654_321.0] {
            let chart = chart(&[top]);
            assert!((2..=6).contains(&chart.grid.len()), "{top}: {:?}", chart.grid);
        }
        assert!(chart(&[0.0, 0.0]).is_flat);
    }

    #[test]
    fn a_label_of_bars_stands_under_the_middle_of_its_bar() {
        let series = |name| Series { name, classes: ("line", "area"), values: vec![1.0, 2.0] };
        let one = Chart::bars("applied", "Contacts", "", &times(2), &[series("a")]);
        assert!(one.shapes[0].path.contains("M342.0 156.0V10.0h116.0V"), "{}", one.shapes[0].path);
        assert_eq!(one.times[1].at, "400.0");
        let two = Chart::bars("applied", "Contacts", "", &times(2), &[series("a"), series("b")]);
        assert_eq!(two.times[1].at, "458.0");
    }

    #[test]
    fn however_many_stretches_there_are_the_labels_have_room() {
        for count in [1, 2, 6, 7, 60, 144, 168] {
            let labels = times(count).labels(x_of);
            assert!((1..=MAX_TIMES).contains(&labels.len()), "{count}: {}", labels.len());
        }
        let second = &times(60).labels(x_of)[1];
        assert_eq!((second.at.as_str(), second.text.as_str()), ("150.3", "16:10"));
        assert!(second.begins.ends_with(" 16:10"), "{}", second.begins);
    }
}
