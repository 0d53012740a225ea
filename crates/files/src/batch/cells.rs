//! The cells of many rows in two buffers: each row apart would be three allocations.

use csv::StringRecord;

/// The cells of rows.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    /// All cells, one behind the other.
    text: String,
    /// Where each cell ends.
    ends: Vec<usize>,
    /// How many cells there are up to the end of each row.
    rows: Vec<usize>,
}

impl Cells {
    /// None yet, with room for about as many.
    pub fn like(other: &Self) -> Self {
        Self {
            text: String::with_capacity(other.text.len() + other.text.len() / 16),
            ends: Vec::with_capacity(other.ends.len()),
            rows: Vec::with_capacity(other.rows.len()),
        }
    }

    /// Adds a row.
    pub fn add(&mut self, row: &StringRecord) {
        for cell in row {
            self.text.push_str(cell);
            self.ends.push(self.text.len());
        }
        self.rows.push(self.ends.len());
    }

    /// The cells of a row.
    pub fn of(&self, row: usize) -> impl Iterator<Item = &str> {
        let before = |place: usize, list: &[usize]| place.checked_sub(1).map_or(0, |place| list[place]);
        let cells = before(row, &self.rows)..self.rows[row];
        cells.map(move |cell| &self.text[before(cell, &self.ends)..self.ends[cell]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_cells_that_were_added() {
        let rows: [&[&str]; 5] = [&["a", "", "ö\n"], &[], &["", ""], &["b"], &["c", "de"]];
        let mut cells = Cells::default();
        for turn in 0..2 {
            for row in rows {
                cells.add(&StringRecord::from(row));
            }
            for (place, row) in rows.iter().enumerate() {
                assert_eq!(cells.of(place).collect::<Vec<_>>(), *row, "{turn} {place}");
            }
            cells = Cells::like(&cells);
        }
    }
}
