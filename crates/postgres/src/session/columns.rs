//! Columns of a row. One that is of another form than it was written in is damaged.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::Error;

/// A column that is of another form than it was written in.
pub fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Error> {
    row.try_get(column).map_err(|error| Error::Damaged(error.to_string()))
}

/// A column of exactly so many bytes.
pub fn get_array<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], Error> {
    let bytes: &[u8] = get(row, column)?;
    bytes.try_into().map_err(|_| Error::Damaged(format!("{} bytes in place of {N}", bytes.len())))
}

/// A column with an id.
pub fn get_id(row: &Row, column: usize) -> Result<ObjectId, Error> {
    get_array(row, column).map(ObjectId::from_bytes)
}

/// A column with a time.
pub fn get_time(row: &Row, column: usize) -> Result<Timestamp, Error> {
    get(row, column).map(Timestamp::from_millis)
}

/// A column with a number that is kept with its sign and is ours without.
pub fn get_number(row: &Row, column: usize) -> Result<u64, Error> {
    get::<i64>(row, column).map(i64::cast_unsigned)
}

/// A column with a small number.
pub fn get_small(row: &Row, column: usize) -> Result<u32, Error> {
    let number: i64 = get(row, column)?;
    u32::try_from(number).map_err(|error| Error::Damaged(error.to_string()))
}
