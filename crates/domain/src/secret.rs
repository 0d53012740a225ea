//! The system's randomness, in the sizes that ids, tokens and keys want.

/// `N` bytes from the operating system.
///
/// # Panics
/// Where the operating system has no randomness to give: nothing safe can be made then.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "ids, tokens and keys made without randomness would be guessable"
    )]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
