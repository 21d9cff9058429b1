//! Who holds a token, as far as policies ask.

/// Who holds a token: more policies, and values for the templates of all.
pub(crate) trait Holder {
    /// Returns a number that is never another holder's, nor this one's at another moment: what was
    /// compiled for it is good as long as the number comes.
    fn stamp(&self) -> u64;

    /// Returns the policies that its tokens have beside their own.
    fn policies(&self) -> &[String];

    /// Puts values into the path of a rule; none where one is missing.
    ///
    /// # Errors
    /// A value must not stand in a path.
    fn path(&self, template: &str) -> Result<Option<String>, Unfit>;
}

/// A value is empty or holds a slash or a wildcard, and would make another path of the one that was
/// written. To leave the rule out would not do: it may be one that denies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit;
