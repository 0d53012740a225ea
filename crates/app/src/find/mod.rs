//! Finding contacts of a list: what is wanted, and the walk that looks for it. The API, pages, exports and jobs ask
//! in the same way.

mod count;
mod filter;
mod query;
mod scan;
pub mod searched;
mod sorted;
pub mod suppressed;

pub use self::count::count;
pub use self::filter::Filter;
pub use self::query::{ContactQuery, PARAMS, picked_time};
pub use self::scan::{Bounds, Found, collect, contact_by_number};
pub use self::sorted::{Sorted, Sorting, sorted};
