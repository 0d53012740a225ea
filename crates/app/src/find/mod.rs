//! Finding contacts of a list: what is wanted, and the walk that looks for it. The API, pages, exports and jobs ask
//! in the same way.

mod count;
mod filter;
pub mod searched;
mod sorted;
pub mod suppressed;
mod walk;
mod wanted;

pub use self::count::count;
pub use self::filter::Filter;
pub use self::sorted::{Sorted, Sorting, sorted};
pub use self::walk::{Bounds, Found, collect, contact_by_number};
pub use self::wanted::{PARAMS, Wanted, picked_time};
