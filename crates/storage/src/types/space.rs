//! Room on the disk.

/// The room of a store in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that are free where it writes; of two disks, on the fuller one.
    pub free: u64,
    /// Bytes of the write-ahead logs.
    pub logs: u64,
}
