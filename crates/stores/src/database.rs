//! Which store a setting names: two files, or a database of PostgreSQL.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use postgres::PostgresStore;
use postgres::address::Address;
use sqlite::SqliteStore;
use storage::{Error, Role, Storage};

/// Where a store is.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "String")]
pub enum Database {
    /// Two SQLite files, at this path and beside it.
    Files(PathBuf),
    /// A database of PostgreSQL, by its address.
    Postgres(String),
}

impl From<String> for Database {
    fn from(text: String) -> Self {
        match ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            true => Self::Postgres(text),
            false => Self::Files(PathBuf::from(text)),
        }
    }
}

/// Without the password, for the log.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(path) => path.display().fmt(f),
            Self::Postgres(address) => match Address::read(address) {
                Ok(address) => {
                    let name = address.config.get_dbname().unwrap_or("of the user's name");
                    write!(f, "postgres, database {name}")
                }
                Err(_) => f.write_str("postgres"),
            },
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Database {
    /// Where files are kept beside it, where nothing else is set.
    pub fn files_directory(&self) -> PathBuf {
        match self {
            Self::Files(path) => {
                let mut path = path.as_os_str().to_owned();
                path.push(".files");
                PathBuf::from(path)
            }
            Self::Postgres(_) => PathBuf::from("rollbook.files"),
        }
    }

    /// Opens the store, making it or bringing it to the present schema.
    ///
    /// # Errors
    /// Where it cannot be reached, was written by a later version, or (files) is served by another process.
    pub async fn open(&self, role: Role, files: &sqlite::Settings) -> Result<Arc<dyn Storage>, Error> {
        Ok(match self {
            Self::Files(path) => Arc::new(SqliteStore::open(path, role, files)?),
            Self::Postgres(address) => {
                Arc::new(PostgresStore::open(address, role, &postgres::Settings::default()).await?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let database =
            Database::from("postgres://me:secret@db.example.com/contacts?sslmode=verify-full".to_owned());
        assert_eq!(
            format!("{database} {database:?}"),
            "postgres, database contacts postgres, database contacts"
        );
        assert_eq!(Database::from("postgres://me:secret@[".to_owned()).to_string(), "postgres");
        assert_eq!(Database::from("/var/lib/rollbook.db".to_owned()).to_string(), "/var/lib/rollbook.db");
    }
}
